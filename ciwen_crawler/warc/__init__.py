"""WARC files, ISO 28500:2017 (WARC/1.1): one gzip member a record, written once, read for ever."""
