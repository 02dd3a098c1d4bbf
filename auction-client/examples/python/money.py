"""Prices and profits: texts in JSON, ten-thousandths in bytes and sums."""


def units(text):
    """"1.40" is 14000."""
    whole, _, decimals = text.lstrip("-").partition(".")
    number = int(whole + decimals.ljust(4, "0"))
    return -number if text.startswith("-") else number


def show(units, decimals_min=2):
    """14000 is "1.40"; with no decimals at least, as profits are shown, "1.4"."""
    whole, decimals = divmod(abs(units), 10_000)
    decimals = f"{decimals:04}".rstrip("0").ljust(decimals_min, "0")
    return ("-" if units < 0 else "") + (f"{whole}.{decimals}" if decimals else f"{whole}")
