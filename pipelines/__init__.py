"""What happens to an article, a stage a file. Thin: each asks the core, and passes on what is no article."""
