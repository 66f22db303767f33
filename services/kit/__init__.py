"""Mechanics without a business word, which all services share."""

# The version of the whole; the distribution takes it from here, because an image holds no more than its folders.
__version__ = "0.1.0"
