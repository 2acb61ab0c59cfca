"""Words for people, in each language. Codes in, sentences out; a test holds the languages to the same codes.

Each module has `WORDS: dict[language, dict[code, template]]`; templates take named words by `str.format`.
"""

LANGUAGES = ("en", "fr")
