"""Commands of `scrapy` that this project has in its own way."""
