"""How dates read in English: the day first, the month in words, so that nobody mistakes 3/4."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
