"""The product as in production, with the yardstick beside it. Only measurements load this; the product never does."""
