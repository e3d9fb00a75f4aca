"""What the Makefile calls: environment, first start, test machinery. Standard library first."""
