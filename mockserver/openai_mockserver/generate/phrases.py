"""Whole sentences in the languages other than English, for generated answers.

Rules of this file: data, and the function that reads it. A language begins with ``@``, its tag and
its quotation marks. ``<`` lists greetings, and ``>`` answers one. ``?`` begins an answer, ``#`` has
headings, and the other lines are sentences that hold together in any order. ``{q}`` is the quoted
question, and ``{w}`` a quoted word. No sentence states a fact, and nothing is inflected.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Phrases", "load_phrases"]


class Phrases(NamedTuple):
    """The sentences of a language.

    Args:
        marks: what opens and what closes a quotation.
        greetings: what a greeting consists of, in small letters.
        welcome: the answer to a greeting.
        openings: what begins an answer to a question that can be quoted.
        titles: headings and labels.
        sentences: what an answer consists of.
    """

    marks: tuple[str, str]
    greetings: tuple[str, ...]
    welcome: str
    openings: tuple[str, ...]
    titles: tuple[str, ...]
    sentences: tuple[str, ...]

    def quote(self, text: str) -> str:
        return f"{self.marks[0]}{text}{self.marks[1]}"


def load_phrases(tag: str) -> Phrases:
    """Return the sentences of a language.

    >>> load_phrases("de").welcome
    'Hallo! Wobei kann ich helfen?'
    """
    return _BY_TAG[tag]


_TEXT = """
@ az “ ”
< salam
> Salam! Sizə necə kömək edə bilərəm?
? {q} sualına qısa cavab belədir.
? {q} barədə addım-addım baxaq.
# İlk addımlar | Qısa xülasə | Nümunə | Əsas fikir | Növbəti addım | Suallar
Kiçik bir addımla başlamaq daha asandır.
Əvvəlcə nəyi bildiyinizi yazın.
Hər dəfə yalnız bir şeyi dəyişin.
Sonda nəticəni yoxlayın.
Sadə bir nümunə çox şeyi aydınlaşdırır.
Tələsməyə ehtiyac yoxdur.
Lazım olsa, bir addım geri qayıdın.
Başqasının fikrini soruşmaq da faydalıdır.
Qısa qeydlər sonra vaxta qənaət edir.
{w} sözü burada yaxşı başlanğıcdır.
@ cs „ “
< ahoj, dobrý den, čau, dobré ráno, dobrý večer
> Ahoj! S čím vám mohu pomoci?
? K otázce {q} je tu krátký přehled.
? Podívejme se na otázku {q} krok za krokem.
# První kroky | Krátký přehled | Příklad | Hlavní myšlenka | Další krok | Časté otázky
Nejlépe je začít malým krokem.
Nejdříve si zapište, co už víte.
Měňte vždy jen jednu věc.
Na konci si výsledek ověřte.
Jednoduchý příklad často řekne víc než dlouhý výklad.
Není kam spěchat.
Když něco nevyjde, vraťte se o krok zpět.
Pomůže také názor někoho jiného.
Krátké poznámky později ušetří čas.
Dobrým začátkem je slovo {w}.
@ da “ ”
< hej, goddag, godmorgen, godaften
> Hej! Hvad kan jeg hjælpe med?
? Her er et kort svar på spørgsmålet {q}.
? Lad os se på {q} trin for trin.
# De første trin | Kort overblik | Eksempel | Hovedidéen | Næste skridt | Spørgsmål
Det er lettest at begynde med et lille skridt.
Skriv først ned, hvad du allerede ved.
Ændr kun én ting ad gangen.
Kontrollér resultatet til sidst.
Et enkelt eksempel siger ofte mere end en lang forklaring.
Der er ingen grund til at skynde sig.
Gå et skridt tilbage, hvis noget ikke lykkes.
Det hjælper også at spørge en anden.
Korte noter sparer tid senere.
Ordet {w} er et godt sted at begynde.
@ de „ “
< hallo, guten tag, guten morgen, guten abend, moin, servus, grüß gott
> Hallo! Wobei kann ich helfen?
? Zur Frage {q} hier ein kurzer Überblick.
? Sehen wir uns {q} Schritt für Schritt an.
? Gute Frage: {q} lässt sich am besten in kleinen Schritten klären.
# Erste Schritte | Kurzer Überblick | Ein Beispiel | Der Grundgedanke | Nächste Schritte | Fragen
Am einfachsten beginnt man mit einem kleinen Schritt.
Schreiben Sie zuerst auf, was Sie schon wissen.
Ändern Sie immer nur eine Sache auf einmal.
Prüfen Sie am Ende das Ergebnis.
Ein einfaches Beispiel sagt oft mehr als eine lange Erklärung.
Es gibt keinen Grund zur Eile.
Wenn etwas nicht klappt, gehen Sie einen Schritt zurück.
Auch die Meinung anderer hilft weiter.
Kurze Notizen sparen später Zeit.
Der erste Versuch muss nicht perfekt sein.
Ein guter Plan lässt Raum für Überraschungen.
Das Wort {w} ist dabei ein guter Anfang.
@ el « »
< γεια, γεια σου, γεια σας, καλημέρα, καλησπέρα
> Γεια σας! Πώς μπορώ να βοηθήσω;
? Για την ερώτηση {q} ακολουθεί μια σύντομη απάντηση.
? Ας δούμε το {q} βήμα βήμα.
# Πρώτα βήματα | Σύντομη περίληψη | Παράδειγμα | Η βασική ιδέα | Επόμενο βήμα | Ερωτήσεις
Είναι πιο εύκολο να αρχίσετε με ένα μικρό βήμα.
Γράψτε πρώτα τι γνωρίζετε ήδη.
Αλλάξτε μόνο ένα πράγμα κάθε φορά.
Στο τέλος ελέγξτε το αποτέλεσμα.
Ένα απλό παράδειγμα λέει συχνά περισσότερα από μια μεγάλη εξήγηση.
Δεν υπάρχει λόγος να βιαστείτε.
Αν κάτι δεν πετύχει, γυρίστε ένα βήμα πίσω.
Βοηθά και η γνώμη κάποιου άλλου.
Οι σύντομες σημειώσεις κερδίζουν χρόνο αργότερα.
Η λέξη {w} είναι μια καλή αρχή.
@ es « »
< hola, buenos días, buenas tardes, buenas noches, buenas
> ¡Hola! ¿En qué puedo ayudar?
? Sobre la pregunta {q}, aquí va un breve resumen.
? Veamos {q} paso a paso.
# Primeros pasos | Breve resumen | Un ejemplo | La idea principal | Próximos pasos | Preguntas
Lo más fácil es empezar con un paso pequeño.
Primero, anota lo que ya sabes.
Cambia solo una cosa cada vez.
Al final, comprueba el resultado.
Un ejemplo sencillo suele decir más que una explicación larga.
No hay ninguna prisa.
Si algo no sale bien, vuelve un paso atrás.
También ayuda la opinión de otra persona.
Las notas breves ahorran tiempo después.
El primer intento no tiene que ser perfecto.
Un buen plan deja espacio para las sorpresas.
La palabra {w} es un buen comienzo.
@ fr «\u00a0 \u00a0»
< bonjour, salut, bonsoir, coucou
> Bonjour\u202f! Comment puis-je vous aider\u202f?
? À propos de la question {q}, voici un bref aperçu.
? Voyons {q} étape par étape.
# Premiers pas | En bref | Un exemple | L'idée principale | Prochaines étapes | Questions
Le plus simple est de commencer par une petite étape.
Notez d'abord ce que vous savez déjà.
Ne changez qu'une seule chose à la fois.
À la fin, vérifiez le résultat.
Un exemple simple en dit souvent plus qu'une longue explication.
Il n'y a aucune raison de se presser.
Si quelque chose ne marche pas, revenez une étape en arrière.
L'avis d'une autre personne aide aussi.
Quelques notes font gagner du temps plus tard.
Le premier essai n'a pas besoin d'être parfait.
Un bon plan laisse de la place aux surprises.
Le mot {w} est un bon point de départ.
@ hy « »
< բարև, բարև ձեզ
> Բարև ձեզ։ Ինչո՞վ կարող եմ օգնել։
? {q} հարցի կարճ պատասխանը հետևյալն է։
? Դիտարկենք {q} հարցը քայլ առ քայլ։
# Առաջին քայլերը | Կարճ ամփոփում | Օրինակ | Հիմնական միտքը | Հաջորդ քայլը | Հարցեր
Ավելի հեշտ է սկսել փոքր քայլից։
Նախ գրեք այն, ինչ արդեն գիտեք։
Ամեն անգամ փոխեք միայն մի բան։
Վերջում ստուգեք արդյունքը։
Պարզ օրինակը հաճախ ավելի շատ է ասում, քան երկար բացատրությունը։
Շտապելու կարիք չկա։
Եթե ինչ-որ բան չի ստացվում, վերադարձեք մեկ քայլ հետ։
Օգտակար է նաև ուրիշի կարծիքը։
Կարճ նշումները հետո ժամանակ են խնայում։
{w} բառը լավ սկիզբ է։
@ it « »
< ciao, buongiorno, buonasera, salve
> Ciao! Come posso aiutare?
? Sulla domanda {q}, ecco una breve panoramica.
? Vediamo {q} passo dopo passo.
# Primi passi | In breve | Un esempio | L'idea principale | Prossimi passi | Domande
La cosa più facile è cominciare con un piccolo passo.
Prima annota quello che sai già.
Cambia solo una cosa alla volta.
Alla fine controlla il risultato.
Un esempio semplice dice spesso più di una lunga spiegazione.
Non c'è nessuna fretta.
Se qualcosa non riesce, torna indietro di un passo.
Aiuta anche il parere di un'altra persona.
Brevi appunti fanno risparmiare tempo più tardi.
Il primo tentativo non deve essere perfetto.
La parola {w} è un buon inizio.
@ mk „ “
< здраво, добар ден, добро утро, добра вечер
> Здраво! Како можам да помогнам?
? За прашањето {q} еве краток преглед.
? Да го разгледаме прашањето {q} чекор по чекор.
# Први чекори | Краток преглед | Пример | Главната идеја | Следен чекор | Прашања
Најлесно е да се почне со мал чекор.
Прво запишете што веќе знаете.
Менувајте само една работа одеднаш.
На крајот проверете го резултатот.
Едноставен пример често кажува повеќе од долго објаснување.
Нема потреба да се брза.
Ако нешто не успее, вратете се еден чекор назад.
Помага и мислењето на некој друг.
Кратките белешки подоцна заштедуваат време.
Зборот {w} е добар почеток.
@ nl “ ”
< hoi, goedendag, goedemorgen, goedenavond, dag
> Hallo! Waarmee kan ik helpen?
? Over de vraag {q} volgt hier een kort overzicht.
? Laten we {q} stap voor stap bekijken.
# Eerste stappen | Kort overzicht | Een voorbeeld | Het idee | Volgende stappen | Vragen
Het is het makkelijkst om met een kleine stap te beginnen.
Schrijf eerst op wat je al weet.
Verander steeds maar één ding.
Controleer aan het einde het resultaat.
Een eenvoudig voorbeeld zegt vaak meer dan een lange uitleg.
Er is geen reden om te haasten.
Ga een stap terug als iets niet lukt.
De mening van iemand anders helpt ook.
Korte notities besparen later tijd.
De eerste poging hoeft niet perfect te zijn.
Het woord {w} is een goed begin.
@ pl „ ”
< cześć, dzień dobry, dobry wieczór, witam, hej
> Cześć! W czym mogę pomóc?
? Oto krótka odpowiedź na pytanie {q}.
? Przyjrzyjmy się pytaniu {q} krok po kroku.
# Pierwsze kroki | Krótki przegląd | Przykład | Główna myśl | Następny krok | Pytania
Najłatwiej zacząć od małego kroku.
Najpierw zapisz, co już wiesz.
Zmieniaj tylko jedną rzecz naraz.
Na koniec sprawdź wynik.
Prosty przykład często mówi więcej niż długie wyjaśnienie.
Nie ma powodu do pośpiechu.
Jeśli coś się nie uda, wróć o krok.
Pomaga też opinia innej osoby.
Krótkie notatki oszczędzają później czas.
Pierwsza próba nie musi być idealna.
Dobrym początkiem jest słowo {w}.
@ ru « »
< привет, здравствуйте, здравствуй, добрый день, доброе утро, добрый вечер
> Здравствуйте! Чем я могу помочь?
? Вот краткий ответ на вопрос {q}.
? Разберём вопрос {q} шаг за шагом.
? Хороший вопрос: {q}. Начнём с простого.
# Первые шаги | Краткий обзор | Пример | Главная мысль | Следующий шаг | Вопросы
Проще всего начать с небольшого шага.
Сначала запишите то, что уже знаете.
Меняйте за один раз что-то одно.
В конце проверьте результат.
Простой пример часто говорит больше, чем длинное объяснение.
Спешить некуда.
Если что-то не получилось, вернитесь на шаг назад.
Полезно узнать и мнение других.
Короткие заметки потом экономят время.
Первая попытка не обязана быть идеальной.
Хороший план оставляет место для неожиданностей.
Начать можно со слова {w}.
@ tr “ ”
< merhaba, selam, günaydın, iyi günler, iyi akşamlar
> Merhaba! Size nasıl yardımcı olabilirim?
? {q} sorusu için kısa bir özet şöyle.
? {q} sorusuna adım adım bakalım.
# İlk adımlar | Kısa özet | Örnek | Ana fikir | Sonraki adım | Sorular
En kolayı küçük bir adımla başlamaktır.
Önce bildiklerinizi yazın.
Her seferinde yalnızca bir şeyi değiştirin.
Sonunda sonucu kontrol edin.
Basit bir örnek çoğu zaman uzun bir açıklamadan daha çok şey anlatır.
Acele etmeye gerek yok.
Bir şey olmazsa bir adım geri dönün.
Başka birinin görüşü de yardımcı olur.
Kısa notlar sonra zaman kazandırır.
İlk denemenin kusursuz olması gerekmez.
{w} sözcüğü iyi bir başlangıçtır.
@ uk « »
< привіт, вітаю, добрий день, доброго ранку, добрий вечір
> Вітаю! Чим я можу допомогти?
? Ось коротка відповідь на питання {q}.
? Розгляньмо питання {q} крок за кроком.
# Перші кроки | Короткий огляд | Приклад | Головна думка | Наступний крок | Питання
Найпростіше почати з невеликого кроку.
Спочатку запишіть те, що вже знаєте.
Змінюйте щоразу лише щось одне.
Наприкінці перевірте результат.
Простий приклад часто каже більше, ніж довге пояснення.
Поспішати нема куди.
Якщо щось не вдалося, поверніться на крок назад.
Корисною буде й думка інших.
Короткі нотатки згодом заощаджують час.
Перша спроба не мусить бути ідеальною.
Почати можна зі слова {w}.
@ vi “ ”
< xin chào, chào, chào bạn
> Xin chào! Tôi có thể giúp gì cho bạn?
? Sau đây là câu trả lời ngắn cho câu hỏi {q}.
? Hãy xem xét câu hỏi {q} từng bước một.
# Bước đầu tiên | Tóm tắt | Ví dụ | Ý chính | Bước tiếp theo | Câu hỏi
Cách dễ nhất là bắt đầu bằng một bước nhỏ.
Trước hết, hãy ghi lại những gì bạn đã biết.
Mỗi lần chỉ nên thay đổi một điều.
Cuối cùng, hãy kiểm tra kết quả.
Một ví dụ đơn giản thường dễ hiểu hơn một lời giải thích dài.
Không cần phải vội.
Nếu chưa được, hãy quay lại một bước.
Ý kiến của người khác cũng rất hữu ích.
Ghi chú ngắn sẽ giúp tiết kiệm thời gian về sau.
Từ {w} là một điểm khởi đầu tốt.
@ zh-Hans “ ”
< 你好, 您好, 早上好, 晚上好, 嗨
> 你好！有什么可以帮您的吗？
? 关于{q}，下面是一个简短的回答。
? 我们一步一步来看{q}这个问题。
? {q}是个好问题，先从简单的地方说起。
# 第一步 | 简要说明 | 一个例子 | 主要思路 | 下一步 | 常见问题
最简单的办法是先从一小步开始。
首先把已经知道的内容写下来。
每次只改变一个地方。
最后检查一下结果。
一个简单的例子往往比长长的解释更清楚。
不需要着急。
如果不顺利，就退回上一步。
听听别人的意见也很有帮助。
简短的笔记以后可以节省时间。
第一次尝试不必完美。
好的计划会给意外留出空间。
不妨从{w}这个词开始。
@ zh-Hant 「 」
< 哈囉, 您好, 早安, 晚安, 午安
> 您好！有什麼可以幫您的嗎？
? 關於{q}，下面是一個簡短的回答。
? 我們一步一步來看{q}這個問題。
# 第一步 | 簡要說明 | 一個例子 | 主要思路 | 下一步 | 常見問題
最簡單的辦法是先從一小步開始。
首先把已經知道的內容寫下來。
每次只改變一個地方。
最後檢查一下結果。
一個簡單的例子往往比長長的解釋更清楚。
不需要著急。
如果不順利，就退回上一步。
聽聽別人的意見也很有幫助。
簡短的筆記以後可以節省時間。
第一次嘗試不必完美。
不妨從{w}這個詞開始。
@ ja 「 」
< こんにちは, おはよう, おはようございます, こんばんは, やあ
> こんにちは！何かお手伝いできることはありますか？
? {q}について、簡単にまとめます。
? {q}という質問を、順番に見ていきましょう。
# はじめの一歩 | 簡単なまとめ | 例 | 基本の考え方 | 次のステップ | よくある質問
小さな一歩から始めるのがいちばん簡単です。
まず、すでに知っていることを書き出してみましょう。
一度に変えるのは一つだけにします。
最後に結果を確認してください。
簡単な例は、長い説明よりも分かりやすいことがよくあります。
急ぐ必要はありません。
うまくいかないときは、一つ前の段階に戻りましょう。
ほかの人の意見も参考になります。
短いメモがあると、あとで時間の節約になります。
最初から完璧である必要はありません。
予定には少し余裕を持たせておくと安心です。
{w}という言葉から考えてみるのもよいでしょう。
@ ko ‘ ’
< 안녕, 안녕하세요, 안녕하십니까
> 안녕하세요! 무엇을 도와드릴까요?
? {q}에 대해 간단히 정리해 보겠습니다.
? {q}라는 질문을 차근차근 살펴보겠습니다.
# 첫 단계 | 간단한 요약 | 예시 | 핵심 생각 | 다음 단계 | 자주 묻는 질문
작은 단계부터 시작하는 것이 가장 쉽습니다.
먼저 이미 알고 있는 것을 적어 보세요.
한 번에 한 가지만 바꾸세요.
마지막에는 결과를 확인하세요.
간단한 예가 긴 설명보다 더 이해하기 쉬울 때가 많습니다.
서두를 필요는 없습니다.
잘되지 않으면 한 단계 뒤로 돌아가세요.
다른 사람의 의견도 도움이 됩니다.
짧은 메모가 나중에 시간을 아껴 줍니다.
첫 시도가 완벽할 필요는 없습니다.
{w}라는 말에서 시작해도 좋습니다.
@ ar « »
< مرحبا, مرحباً, أهلا, أهلاً, السلام عليكم, صباح الخير, مساء الخير
> مرحباً! كيف يمكنني المساعدة؟
? إليك إجابة قصيرة عن السؤال {q}.
? لننظر في السؤال {q} خطوة بخطوة.
# الخطوات الأولى | ملخص قصير | مثال | الفكرة الأساسية | الخطوة التالية | أسئلة
من الأسهل أن تكون البداية بخطوة صغيرة.
في البداية تُكتب الأشياء المعروفة.
من الأفضل تغيير شيء واحد في كل مرة.
في النهاية تُراجع النتيجة.
المثال البسيط يوضح غالباً أكثر من الشرح الطويل.
لا داعي للعجلة.
إذا لم ينجح الأمر، فالرجوع خطوة إلى الوراء مفيد.
رأي شخص آخر يساعد أيضاً.
الملاحظات القصيرة توفر الوقت لاحقاً.
ليس من الضروري أن تكون المحاولة الأولى كاملة.
الكلمة {w} بداية جيدة.
@ fa « »
< سلام, درود, صبح بخیر
> سلام! چطور می‌توانم کمک کنم؟
? پاسخ کوتاه به پرسش {q} این است.
? بیایید پرسش {q} را گام به گام بررسی کنیم.
# گام‌های نخست | خلاصهٔ کوتاه | نمونه | اندیشهٔ اصلی | گام بعدی | پرسش‌ها
ساده‌ترین راه، شروع با یک گام کوچک است.
نخست آنچه را می‌دانید بنویسید.
هر بار فقط یک چیز را تغییر دهید.
در پایان نتیجه را بررسی کنید.
یک نمونهٔ ساده اغلب روشن‌تر از توضیح بلند است.
نیازی به عجله نیست.
اگر نشد، یک گام به عقب برگردید.
نظر دیگران هم کمک می‌کند.
یادداشت‌های کوتاه بعداً در وقت صرفه‌جویی می‌کنند.
واژهٔ {w} آغاز خوبی است.
@ he ” ”
< שלום, היי, בוקר טוב, ערב טוב
> שלום! איך אפשר לעזור?
? הנה תשובה קצרה לשאלה {q}.
? נבחן את השאלה {q} צעד אחר צעד.
# צעדים ראשונים | סיכום קצר | דוגמה | הרעיון המרכזי | הצעד הבא | שאלות
הכי קל להתחיל בצעד קטן.
תחילה כדאי לרשום מה כבר ידוע.
עדיף לשנות רק דבר אחד בכל פעם.
בסוף כדאי לבדוק את התוצאה.
דוגמה פשוטה מסבירה לעתים קרובות יותר מהסבר ארוך.
אין סיבה למהר.
אם משהו לא מצליח, אפשר לחזור צעד אחד אחורה.
גם דעה של אדם אחר עוזרת.
הערות קצרות חוסכות זמן בהמשך.
המילה {w} היא התחלה טובה.
@ hi “ ”
< नमस्ते, नमस्कार, सुप्रभात
> नमस्ते! मैं आपकी क्या मदद कर सकता हूँ?
? {q} प्रश्न का संक्षिप्त उत्तर यह है।
? आइए {q} प्रश्न को एक-एक कदम करके देखें।
# पहले कदम | संक्षेप में | उदाहरण | मुख्य विचार | अगला कदम | प्रश्न
छोटे कदम से शुरुआत करना सबसे आसान है।
पहले वह लिखें जो आप पहले से जानते हैं।
एक बार में केवल एक चीज़ बदलें।
अंत में परिणाम की जाँच करें।
एक सरल उदाहरण अक्सर लंबी व्याख्या से अधिक स्पष्ट होता है।
जल्दी करने की कोई ज़रूरत नहीं है।
यदि कुछ ठीक न हो, तो एक कदम पीछे जाएँ।
किसी और की राय भी मदद करती है।
छोटे नोट बाद में समय बचाते हैं।
पहला प्रयास पूर्ण होना ज़रूरी नहीं है।
{w} शब्द एक अच्छी शुरुआत है।
@ bn “ ”
< নমস্কার, হ্যালো, শুভ সকাল, আসসালামু আলাইকুম
> নমস্কার! আপনাকে কীভাবে সাহায্য করতে পারি?
? {q} প্রশ্নের সংক্ষিপ্ত উত্তর নিচে দেওয়া হলো।
? আসুন {q} প্রশ্নটি ধাপে ধাপে দেখি।
# প্রথম ধাপ | সংক্ষেপে | উদাহরণ | মূল ভাবনা | পরবর্তী ধাপ | প্রশ্ন
ছোট একটি ধাপ দিয়ে শুরু করাই সবচেয়ে সহজ।
প্রথমে যা জানেন তা লিখে রাখুন।
একবারে শুধু একটি জিনিস বদলান।
শেষে ফলাফল যাচাই করুন।
একটি সহজ উদাহরণ প্রায়ই লম্বা ব্যাখ্যার চেয়ে বেশি স্পষ্ট।
তাড়াহুড়ার কোনো দরকার নেই।
কিছু ঠিক না হলে এক ধাপ পিছিয়ে যান।
অন্য কারও মতামতও সাহায্য করে।
ছোট নোট পরে সময় বাঁচায়।
{w} শব্দটি একটি ভালো শুরু।
@ ta “ ”
< வணக்கம், காலை வணக்கம்
> வணக்கம்! நான் எப்படி உதவலாம்?
? {q} என்ற கேள்விக்கு ஒரு சுருக்கமான பதில் இதோ.
? {q} என்ற கேள்வியைப் படிப்படியாகப் பார்ப்போம்.
# முதல் படிகள் | சுருக்கம் | எடுத்துக்காட்டு | முக்கிய கருத்து | அடுத்த படி | கேள்விகள்
ஒரு சிறிய படியுடன் தொடங்குவது எளிது.
முதலில் உங்களுக்குத் தெரிந்ததை எழுதுங்கள்.
ஒரு நேரத்தில் ஒன்றை மட்டும் மாற்றுங்கள்.
இறுதியில் முடிவைச் சரிபாருங்கள்.
ஒரு எளிய எடுத்துக்காட்டு நீண்ட விளக்கத்தை விடத் தெளிவாக இருக்கும்.
அவசரப்படத் தேவையில்லை.
சரியாக வராவிட்டால் ஒரு படி பின்னால் செல்லுங்கள்.
மற்றவர்களின் கருத்தும் உதவும்.
சிறு குறிப்புகள் பிறகு நேரத்தைச் சேமிக்கும்.
{w} என்ற சொல் ஒரு நல்ல தொடக்கம்.
@ th “ ”
< สวัสดี, สวัสดีครับ, สวัสดีค่ะ
> สวัสดี มีอะไรให้ช่วยไหม
? คำตอบสั้น ๆ สำหรับคำถาม {q} มีดังนี้
? มาดูคำถาม {q} ทีละขั้นตอนกัน
# ขั้นแรก | สรุปสั้น ๆ | ตัวอย่าง | แนวคิดหลัก | ขั้นต่อไป | คำถาม
เริ่มจากก้าวเล็ก ๆ จะง่ายที่สุด
ก่อนอื่นให้จดสิ่งที่รู้อยู่แล้ว
เปลี่ยนทีละอย่างเท่านั้น
สุดท้ายให้ตรวจสอบผลลัพธ์
ตัวอย่างง่าย ๆ มักชัดเจนกว่าคำอธิบายยาว ๆ
ไม่จำเป็นต้องรีบ
ถ้ายังไม่สำเร็จ ให้ย้อนกลับไปหนึ่งขั้น
ความคิดเห็นของคนอื่นก็ช่วยได้
บันทึกสั้น ๆ ช่วยประหยัดเวลาในภายหลัง
คำว่า {w} เป็นจุดเริ่มต้นที่ดี
"""


def _read_text() -> dict[str, Phrases]:
    languages = {}
    for block in _TEXT.strip().removeprefix("@ ").split("\n@ "):
        head, *lines = block.split("\n")
        tag, opening, closing = head.split(" ")
        marked = {mark: [one[2:] for one in lines if one[:2] == f"{mark} "] for mark in "<>?#"}
        languages[tag] = Phrases(
            marks=(opening, closing),
            greetings=tuple(marked["<"][0].split(", ")),
            welcome=marked[">"][0],
            openings=tuple(marked["?"]),
            titles=tuple(marked["#"][0].split(" | ")),
            sentences=tuple(line for line in lines if line[:2] not in ("< ", "> ", "? ", "# ")),
        )
    return languages


_BY_TAG = _read_text()
