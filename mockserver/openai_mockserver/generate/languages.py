"""The languages that replies are written in: whose words they have, and how they are set.

Rules of this file: tables, and the words they speak of. Words are Faker's where it has real ones in
a language (in Hebrew they mean nothing, in others there are none), else those of ``_WORDS``. They
come in the order of their tables, so that all chance is with the caller.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

__all__ = ["LANGUAGES", "Language", "of_script", "script_of", "words"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language as it is written.

    Args:
        script: the first word of the names that Unicode has for its letters.
        source: the locale of Faker that has its words, or its key in ``_WORDS``.
        space: between words.
        stop, ask, comma: what ends a sentence, a question and a clause.
    """

    script: str
    source: str
    space: str = " "
    stop: str = "."
    ask: str = "?"
    comma: str = ", "
    right_to_left: bool = False


def _arabic(script: str, source: str) -> Language:
    return Language(script, source, ask="؟", comma="، ", right_to_left=True)


def _chinese(source: str) -> Language:
    return Language("CJK", source, space="", stop="。", ask="？", comma="，")


LANGUAGES: dict[str, Language] = {
    "en": Language("LATIN", "en_US"),
    "az": Language("LATIN", "az_AZ"),
    "cs": Language("LATIN", "cs_CZ"),
    "da": Language("LATIN", "da_DK"),
    "de": Language("LATIN", "de_DE"),
    "es": Language("LATIN", "es_ES"),
    "fr": Language("LATIN", "fr_FR", ask="\u202f?"),
    "it": Language("LATIN", "it_IT"),
    "nl": Language("LATIN", "nl_NL"),
    "pl": Language("LATIN", "pl_PL"),
    "tr": Language("LATIN", "tr"),
    "vi": Language("LATIN", "vi_VN"),
    "ru": Language("CYRILLIC", "ru_RU"),
    "uk": Language("CYRILLIC", "uk_UA"),
    "mk": Language("CYRILLIC", "mk_MK"),
    "el": Language("GREEK", "el_GR", ask=";"),
    "hy": Language("ARMENIAN", "hy_AM", stop="։", ask="՞"),
    "zh-Hans": _chinese("zh_CN"),
    "zh-Hant": _chinese("zh_TW"),
    "ja": Language("HIRAGANA", "ja_JP", space="", stop="。", ask="？", comma="、"),
    "ko": Language("HANGUL", "ko"),
    "ar": _arabic("ARABIC", "ar_AA"),
    "fa": _arabic("ARABIC", "fa_IR"),
    "he": Language("HEBREW", "he", right_to_left=True),
    "hi": Language("DEVANAGARI", "hi", stop="।"),
    "bn": Language("BENGALI", "bn_BD", stop="।"),
    "ta": Language("TAMIL", "ta"),
    "th": Language("THAI", "th_TH", space="", stop=" ", ask=" ", comma=" "),
}
"""By their tags (BCP 47)."""


@lru_cache(maxsize=len(LANGUAGES))
def words(tag: str) -> tuple[str, ...]:
    """The words of a language."""
    source = LANGUAGES[tag].source
    if source in _WORDS:
        return tuple(_WORDS[source].split())
    found: tuple[str, ...] = import_module(f"faker.providers.lorem.{source}").Provider.word_list
    return found


def of_script(script: str) -> list[str]:
    """The tags of the languages in this script."""
    return [tag for tag, language in LANGUAGES.items() if language.script == script]


_LOOKED_AT = 200  # letters of a text that tell its script


def script_of(text: str) -> str:
    """The script that most letters of a text are of; Latin where there are none.

    >>> script_of("Привет, world и мир"), script_of("漢字とかな"), script_of("1 + 1")
    ('CYRILLIC', 'HIRAGANA', 'LATIN')
    """
    letters = [sign for sign in text[: 4 * _LOOKED_AT] if sign.isalpha()][:_LOOKED_AT]
    count = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    kana = count.pop("KATAKANA", 0) + count["HIRAGANA"]
    if kana:  # Japanese has more signs of Chinese than of its own
        count["HIRAGANA"] = kana + count.pop("CJK", 0)
    return count.most_common(1)[0][0] if letters else "LATIN"


_WORDS = {
    "ko": """
        사람 시간 나라 도시 학교 친구 가족 음악 여행 바다 하늘 나무 아침 저녁 오늘 내일 어제 우리
        모두 함께 아주 조금 많이 다시 먼저 새로운 작은 큰 좋은 아름다운 중요한 필요한 간단한
        천천히 빨리 정말 그리고 그러나 그래서 예를 들어 있습니다 합니다 됩니다 봅니다 갑니다
        만듭니다 배웁니다 생각합니다 좋습니다 질문 대답 이야기 문제 방법 결과 컴퓨터 인터넷 언어
        역사
    """,
    "he": """
        שלום עולם בית ספר ילד ילדה אישה איש יום לילה בוקר ערב שמש ירח מים אש רוח אדמה עיר רחוב דרך
        זמן שנה חודש שבוע היום מחר אתמול טוב רע גדול קטן חדש ישן יפה חם קר אני אתה הוא היא אנחנו
        הם זה זאת של על עם בין לפני אחרי כאשר אולי תמיד מאוד לכתוב לקרוא ללכת לראות לדעת שאלה
        תשובה
    """,
    "hi": """
        समय घर पानी दिन रात सुबह शाम लोग देश शहर स्कूल किताब भाषा संगीत यात्रा मित्र परिवार काम
        सवाल उत्तर कहानी रास्ता बच्चा महिला पुरुष नया पुराना बड़ा छोटा अच्छा सुंदर ज़रूरी आसान हम
        आप वे यह वह और लेकिन क्योंकि हमेशा कभी बहुत थोड़ा आज कल है हैं करता करना जाना देखना पढ़ना
        लिखना विज्ञान प्रश्न क्षेत्र
    """,
    "ta": """
        நேரம் வீடு தண்ணீர் நாள் இரவு காலை மாலை மக்கள் நாடு நகரம் பள்ளி புத்தகம் மொழி இசை பயணம்
        நண்பர் குடும்பம் வேலை கேள்வி பதில் கதை வழி குழந்தை புதிய பழைய பெரிய சிறிய நல்ல அழகான
        முக்கியமான நாம் நீங்கள் அவர்கள் இது அது மற்றும் ஆனால் எப்போதும் மிகவும் இன்று நாளை ஸ்ரீ
    """,
    "tr": """
        ağaç çiçek güneş ışık yağmur deniz şehir köy okul öğrenci öğretmen kitap söz yazı müzik
        gün gece sabah akşam bugün yarın dün insan çocuk kadın erkek aile arkadaş yeni eski büyük
        küçük güzel iyi kötü önemli kolay zor hızlı yavaş biz siz onlar bu şu ve ama çünkü her
        bazen çok az İstanbul ılık görmek bilmek yapmak gitmek gelmek okumak yazmak
    """,
}
