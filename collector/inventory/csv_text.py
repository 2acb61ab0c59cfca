"""The text of a CSV file, as spreadsheets save it: UTF-8, UTF-16 or Windows-1252; anything else is refused."""

import codecs
import re

# What UTF-8 writes for one letter beyond ASCII. In Windows-1252 it would be pairs such as "Ã©", which nobody means.
_UTF_8_LETTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls


def decoded(raw: bytes) -> tuple[str, str]:
    """The text and the name of its encoding.

    Raises:
        ValueError: a sentence without the file's name.
    """
    if raw.startswith(_SPREADSHEETS):
        raise ValueError('this is a spreadsheet, not CSV; open it and save it as "CSV UTF-8"')
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strict(raw, "utf-16", "UTF-16")
    if b"\x00" in raw:
        raise ValueError("holds bytes that are no text (UTF-16 without its mark?); save it as UTF-8")
    try:
        return raw.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        if _UTF_8_LETTER.search(raw):
            line = raw[: error.start].count(b"\n") + 1
            raise ValueError(f"line {line} is not UTF-8, though other lines are; save the file anew as UTF-8") from None
    return _strict(raw, "cp1252", "Windows-1252")


def _strict(raw: bytes, codec: str, name: str) -> tuple[str, str]:
    try:
        return raw.decode(codec), name
    except UnicodeDecodeError:
        raise ValueError(f"is neither UTF-8 nor {name}; save it as UTF-8") from None
