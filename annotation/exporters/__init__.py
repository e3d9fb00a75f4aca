"""A round as files: tidy ratings, judgments, items, outputs, automated scores, words, and what the columns mean."""
