"""The languages of generated replies: their words and their punctuation.

Rules of this file: it has tables and the functions that read them. Words come from Faker if it is
installed and has real words in a language (its Hebrew ones mean nothing, and some languages have
none), else from ``_WORDS``, or from the shorter lists in ``_FEW_WORDS``. They come in the order of
their tables, so all randomness is the caller's.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

__all__ = ["LANGUAGES", "Language", "find_language", "find_languages", "find_script", "load_words"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language and how it is written.

    Args:
        script: the first word of the Unicode names of its letters.
        source: the locale of Faker that has its words, or the key in ``_WORDS``.
        space: what separates words.
        stop, ask, comma: what ends a sentence, a question and a clause.
        right_to_left: whether it is written from right to left.
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
"""The languages by tag (BCP 47)."""


@lru_cache(maxsize=len(LANGUAGES))
def load_words(tag: str) -> tuple[str, ...]:
    """Return the words of a language."""
    source = LANGUAGES[tag].source
    if source in _WORDS:
        return tuple(_WORDS[source].split())
    faker_words = _read_faker_words(source) or _import_faker_words(source)
    words = faker_words or tuple(_FEW_WORDS[tag].split())
    return tuple(word for word in words if word not in _UNPLEASANT) if tag == "en" else words


def _read_faker_words(locale: str) -> tuple[str, ...] | None:
    """Return the words in the source of Faker's module of a locale; None if it has no literal list.

    Importing the module would import all of Faker, which looks for all locales of all providers;
    that takes 80 ms and 14 MB.
    """
    try:
        faker = find_spec("faker")
        folder = Path(next(iter((faker and faker.submodule_search_locations) or ())))
        module = ast.parse((folder / "providers/lorem" / locale / "__init__.py").read_bytes())
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and _names_word_list(node.targets):
                return tuple(ast.literal_eval(node.value))
    except (StopIteration, OSError, SyntaxError, ValueError, TypeError):
        pass
    return None


def _names_word_list(targets: list[ast.expr]) -> bool:
    """Return whether an assignment sets ``word_list``."""
    return any(isinstance(target, ast.Name) and target.id == "word_list" for target in targets)


def _import_faker_words(locale: str) -> tuple[str, ...] | None:
    """Return the words of Faker's module of a locale; None without Faker."""
    try:
        module = import_module(f"faker.providers.lorem.{locale}")
    except ImportError:
        return None
    faker_words: tuple[str, ...] = module.Provider.word_list
    return faker_words


def find_languages(script: str) -> list[str]:
    """Return the tags of the languages in this script."""
    return [tag for tag, language in LANGUAGES.items() if language.script == script]


@lru_cache(maxsize=2048)
def _find_script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


_SAMPLE = 200  # letters of a text that decide its script


def find_script(text: str) -> str:
    """Return the script of most letters of a text; Latin if it has no letters.

    >>> find_script("Привет, world и мир"), find_script("漢字とかな"), find_script("1 + 1")
    ('CYRILLIC', 'HIRAGANA', 'LATIN')
    """
    if text.isascii():
        return "LATIN"
    letters = [char for char in text[: 4 * _SAMPLE] if char.isalpha()][:_SAMPLE]
    count = Counter(map(_find_script, letters))
    kana = count.pop("KATAKANA", 0) + count["HIRAGANA"]
    if kana:  # Japanese text has more Chinese characters than kana
        count["HIRAGANA"] = kana + count.pop("CJK", 0)
    return count.most_common(1)[0][0] if letters else "LATIN"


def find_language(text: str) -> str | None:
    """Return the tag of the language of a text; None if its words and letters do not tell.

    >>> [find_language(text) for text in ("Wie geht das?", "Як справи?", "How so?", "1 + 1")]
    ['de', 'uk', 'en', None]
    """
    return _find_language(text[: 4 * _SAMPLE])


@lru_cache(maxsize=256)
def _find_language(text: str) -> str | None:
    script = find_script(text)
    words = frozenset(re.findall(r"[^\W\d_]+", text.lower()))
    if script == "LATIN":
        count = Counter(tag for word in words for tag in _TAGS_BY_WORD.get(word, ()))
        best = max(count.values(), default=0)
        # A word of English, such as "in", occurs in other languages too; so it wins only a tie.
        found = next((tag for tag in LANGUAGES if best and count[tag] == best), None)
        return found or ("en" if words and text.isascii() else None)
    tags = find_languages(script)
    for tag in tags:
        if _LETTERS.get(tag, frozenset()) & set(text) or words & _CYRILLIC.get(tag, frozenset()):
            return tag
    return tags[0] if tags else None


_LETTERS = {
    "uk": frozenset("іїєґ"),
    "mk": frozenset("ѓќљњџѕј"),
    "fa": frozenset("پچژگیک"),
    "zh-Hant": frozenset("這個們麼說時會來國對開關問學請寫為與還過嗎給點樣現話將幫圖號電車"),
}
"""Letters that tell a language from the first one in the same script."""

_CYRILLIC = {
    "uk": frozenset(("як", "що", "чи", "де", "це", "та", "але", "справи")),
    "mk": frozenset(("како", "што", "зошто", "каде", "кој", "здраво", "дали")),
}
"""Words that do so if the letters do not."""


_COMMON_WORDS = {
    "en": """
        the a an is are was of to in and or for with on at from how what why when where who which
        do does can could would please me my i you your it this that hello hi hey write tell give
        make explain list say show
    """,
    "az": "və bu bir nə necə üçün ilə mən sən salam olan kimi niyə harada zəhmət mənə",
    "cs": "a je se na jak co proč kde kdy kdo mi já jsem pro prosím ahoj dobrý den že nebo jako",
    "da": "og er en et det jeg hvordan hvad hvorfor hvor hvem til af på med ikke hej mig kan skriv",
    "de": """
        und der die das ist ein eine einen wie was warum wo wer wann ich du sie mir mein für mit auf
        nicht bitte hallo kann zu den von im schreibe erkläre welche gibt
    """,
    "es": """
        el la los las un una de y es cómo qué por para dónde cuándo quién con en mi me hola puedo
        favor del cuál escribe explica como que
    """,
    "fr": """
        le la les un une des et est comment quoi pourquoi où quand qui pour avec dans je tu vous
        mon ma bonjour salut quel quelle que du écris explique peux moi puis
    """,
    "it": """
        il lo la gli un una di e è come che cosa perché dove quando chi per con mi mio ciao posso
        del della qual quale sono scrivi spiega nel
    """,
    "nl": "de het een en is hoe wat waarom waar wie wanneer ik je mij mijn voor met op niet kan",
    "pl": "i w na jak co dlaczego gdzie kiedy kto jest się nie do z mi mój dla proszę cześć czy",
    "tr": "ve bir bu ne nasıl neden nerede kim için ile ben sen bana merhaba lütfen mi mı nedir",
    "vi": "và là một của có cho tôi bạn như thế nào gì tại sao ở đâu xin chào không làm hãy về",
}
"""Frequent words of the languages in Latin letters, by which they are recognized."""

_TAGS_BY_WORD: dict[str, list[str]] = {}
for _tag, _common in _COMMON_WORDS.items():
    for _word in _common.split():
        _TAGS_BY_WORD.setdefault(_word, []).append(_tag)

_UNPLEASANT = [
    "American",
    "attack",
    "cancer",
    "dead",
    "death",
    "Democrat",
    "die",
    "drug",
    "enemy",
    "fear",
    "fight",
    "gun",
    "kill",
    "murder",
    "Mrs",
    "nuclear",
    "pain",
    "politics",
    "Republican",
    "sex",
    "sexual",
    "shoot",
    "victim",
    "violence",
    "war",
    "weapon",
    "hate",
    "hell",
    "rape",
    "racial",
    "race",
    "black",
    "white",
    "gay",
    "religious",
    "prison",
    "blood",
    "crime",
    "criminal",
    "terrorist",
]
"""Words of Faker that a demonstration can do without."""

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


_FEW_WORDS = {
    "en": """
        time year way day thing world life hand part child eye place week case point number group
        problem fact water room area story month book word business issue side kind head house
        service friend hour game line end member law car city name team minute idea body back
        parent face level office door health person art war history party result change morning
        reason research girl moment air teacher force education music plan light voice paper small
        large early young important public able good new first last long great little own other old
        right big high different next local sure clear whole simple find give tell work call try
        ask need feel become leave put mean keep let begin seem help show hear play run move live
        believe bring happen write sit stand lose pay meet include continue set learn often always
        maybe again never together sometimes almost enough yet later today outside
    """,
    "az": """
        zaman ev su gün gecə səhər axşam insan ölkə şəhər məktəb kitab dil musiqi səfər dost ailə
        iş sual cavab yol uşaq yeni köhnə böyük kiçik gözəl vacib asan biz siz onlar bu və amma
        həmişə çox
    """,
    "cs": """
        čas dům voda den noc ráno večer lidé země město škola kniha jazyk hudba cesta přítel rodina
        práce otázka odpověď příběh dítě nový starý velký malý dobrý krásný důležitý my vy oni toto
        ale vždy
    """,
    "da": """
        tid hus vand dag nat morgen aften mennesker land by skole bog sprog musik rejse ven familie
        arbejde spørgsmål svar vej barn ny gammel stor lille god smuk vigtig vi de dette og men
        altid meget
    """,
    "de": """
        Zeit Haus Wasser Tag Nacht Morgen Abend Menschen Land Stadt Schule Buch Sprache Musik Reise
        Freund Familie Arbeit Frage Antwort Weg Kind neu alt groß klein gut schön wichtig wir sie
        dies und aber
    """,
    "es": """
        tiempo casa agua día noche mañana tarde gente país ciudad escuela libro lengua música viaje
        amigo familia trabajo pregunta respuesta camino niño nuevo viejo grande pequeño bueno
        importante y pero
    """,
    "fr": """
        temps maison eau jour nuit matin soir gens pays ville école livre langue musique voyage ami
        famille travail question réponse chemin enfant nouveau vieux grand petit bon important nous
        et mais
    """,
    "it": """
        tempo casa acqua giorno notte mattina sera gente paese città scuola libro lingua musica
        viaggio amico famiglia lavoro domanda risposta strada bambino nuovo vecchio grande piccolo
        buono importante e ma
    """,
    "nl": """
        tijd huis water dag nacht ochtend avond mensen land stad school boek taal muziek reis
        vriend familie werk vraag antwoord weg kind nieuw oud groot klein goed mooi belangrijk wij
        zij dit en maar
    """,
    "pl": """
        czas dom woda dzień noc rano wieczór ludzie kraj miasto szkoła książka język muzyka podróż
        przyjaciel rodzina praca pytanie odpowiedź droga dziecko nowy stary duży mały dobry ważny
        my oni to ale
    """,
    "vi": """
        thời gian nhà nước ngày đêm sáng tối người thành phố trường sách tiếng nhạc đường bạn gia
        đình việc câu hỏi trả lời trẻ mới cũ lớn nhỏ tốt đẹp quan trọng chúng ta họ này và nhưng
        luôn rất
    """,
    "ru": """
        время дом вода день ночь утро вечер люди страна город школа книга язык музыка дорога друг
        семья работа вопрос ответ ребёнок новый старый большой маленький хороший важный мы они это
        и но всегда очень
    """,
    "uk": """
        час дім вода день ніч ранок вечір люди країна місто школа книга мова музика дорога друг
        сім'я робота питання відповідь дитина новий старий великий малий добрий важливий ми вони це
        і але завжди дуже
    """,
    "mk": """
        време куќа вода ден ноќ утро вечер луѓе земја град училиште книга јазик музика пат пријател
        семејство работа прашање одговор дете нов стар голем мал добар важен ние тие ова и но
        секогаш многу
    """,
    "el": """
        χρόνος σπίτι νερό μέρα νύχτα πρωί βράδυ άνθρωποι χώρα πόλη σχολείο βιβλίο γλώσσα μουσική
        ταξίδι φίλος οικογένεια δουλειά ερώτηση απάντηση δρόμος παιδί νέος παλιός μεγάλος μικρός
        καλός εμείς αυτό και
    """,
    "hy": """
        ժամանակ տուն ջուր օր գիշեր առավոտ երեկո մարդիկ երկիր քաղաք դպրոց գիրք լեզու երաժշտություն
        ընկեր ընտանիք աշխատանք հարց պատասխան ճանապարհ երեխա նոր հին մեծ փոքր լավ կարևոր մենք նրանք
        սա և բայց միշտ
    """,
    "zh-Hans": """
        时间 家 水 今天 晚上 早上 人们 国家 城市 学校 书 语言 音乐 旅行 朋友 工作 问题 回答 道路
        孩子 新 旧 大 小 好 重要 我们 他们 这 和 但是 总是 非常 可以 需要 知道 看见
    """,
    "zh-Hant": """
        時間 家 水 今天 晚上 早上 人們 國家 城市 學校 書 語言 音樂 旅行 朋友 工作 問題 回答 道路
        孩子 新 舊 大 小 好 重要 我們 他們 這 和 但是 總是 非常 可以 需要 知道 看見
    """,
    "ja": """
        時間 家 水 今日 夜 朝 人々 国 町 学校 本 言葉 音楽 旅 友だち 仕事 質問 答え 道 子ども
        新しい 古い 大きい 小さい よい 大切な わたしたち これ それ そして しかし いつも とても
        できます あります います
    """,
    "ar": """
        وقت بيت ماء يوم ليل صباح مساء ناس بلد مدينة مدرسة كتاب لغة موسيقى سفر صديق عائلة عمل سؤال
        جواب طريق طفل جديد قديم كبير صغير جيد مهم نحن هم هذا لكن دائما جدا
    """,
    "fa": """
        زمان خانه آب روز شب صبح عصر مردم کشور شهر مدرسه کتاب زبان موسیقی سفر دوست خانواده کار پرسش
        پاسخ راه کودک تازه کهنه بزرگ کوچک خوب مهم ما آنها این و اما همیشه بسیار
    """,
    "bn": """
        সময় বাড়ি জল দিন রাত সকাল সন্ধ্যা মানুষ দেশ শহর স্কুল বই ভাষা গান ভ্রমণ বন্ধু পরিবার কাজ
        প্রশ্ন উত্তর পথ শিশু নতুন পুরানো বড় ছোট ভালো সুন্দর আমরা তারা এই এবং কিন্তু সবসময় খুব
    """,
    "th": """
        เวลา บ้าน น้ำ วัน คืน เช้า เย็น คน ประเทศ เมือง โรงเรียน หนังสือ ภาษา เพลง เดินทาง เพื่อน
        ครอบครัว งาน คำถาม คำตอบ ถนน เด็ก ใหม่ เก่า ใหญ่ เล็ก ดี สำคัญ เรา นี้ และ แต่ เสมอ มาก
    """,
}
"""Words by tag, for when Faker is not installed; languages in ``_WORDS`` need none here."""
