"""English sentences for generated answers: a small grammar, written out.

Rules of this file: data, and the function that fills it in. No sentence states a fact about the
world or names a person; each holds together with any other of its list. ``[a|b]`` is a choice.
``{it}`` is the subject and fits after a preposition, ``{task}`` is an infinitive, ``{who}`` is a
name in a story. No sentence begins with the subject, or makes a verb agree with it. An indented
line continues the one above.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from random import Random

__all__ = [
    "ADJECTIVES",
    "ASPECTS",
    "COLUMNS",
    "NAMES",
    "NOUNS",
    "ROWS",
    "SENTENCES",
    "SUBJECTS",
    "TOPICS",
    "TOPIC_COLUMNS",
    "fill",
]

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")


@lru_cache(maxsize=2048)
def _parse(template: str) -> tuple[str | tuple[str, ...], ...]:
    parts = _CHOICE.split(template)
    return tuple(tuple(part.split("|")) if at % 2 else part for at, part in enumerate(parts))


def fill(template: str, rng: Random, values: Mapping[str, str]) -> str:
    """Return a sentence of a template, with a capital letter at its beginning.

    >>> fill("[so|and] it is about {it}.", Random(1), {"it": "bread"})
    'So it is about bread.'
    """
    parts = _parse(template)
    text = "".join(part if isinstance(part, str) else rng.choice(part) for part in parts)
    if "{" in text:
        text = text.format_map(values)
    return text[:1].upper() + text[1:]


_TEXTS = """
= opening
[Here is|This is] a short [overview|summary|introduction], with {it} in mind.
Let's [look at|take a look at|go through] {it} [step by step|in small pieces|one part at a time].
[Good question.|Happy to help.|Sure.] When it comes to {it}, [the details|small details] matter, so
  let's go slowly.
[Good question.|Glad you asked.|Of course.] Here is [a calm|a simple|one] way to think about {it}.
[A good|The easiest|One] way to approach {it} is [a single example|one small example|one concrete
  case].
[Many|Most] questions about {it} [usually |often |]come down to two or three simple points.
[Sure.|Of course.|Gladly.] Here is what [matters most|to look at first] with {it}.
There are several good [answers|approaches|views] when it comes to {it}. Here is [a simple one|one
  of them].
= task
To {task}, start with [the smallest step|one small attempt] and [check|look at] the result before
  you go on.
Here is [one|a simple|a calm|a safe] way to {task}.
If you want to {task}, first decide what [the result should look like|has to stay as it is].
[Sure.|Happy to help.|Of course.] You can {task} in [a few|three or four|a handful of] small steps.
There is more than one way to {task}; [this one|the one below] keeps things [simple|short|easy to
  undo].
Before you {task}, [make sure you can go back|keep a copy of what you have].
The [short|quick] answer: {task} in small steps, and check each one.
= unknown
[Good question.|Interesting question.|That is worth a closer look.] [Let's take it apart.|Let's go
  step by step.]
[Here is a short answer.|Here is one way to see it.|Let's start with the simple part.]
[That depends on|The answer depends on] a few [details|points]. Let's look at them in turn.
There is more than one way to [look at|answer] this, so [let's start with the simple one|here is
  one].
[Sure, let's look at that.|Happy to help with that.|Let me think this through with you.]
= point
[It helps|It often helps] to [write down|note|collect] what you [already know|have tried so far]
  before you [change anything|go on].
[Most|Many] people [find it easier|save time] when they [split the work into small parts|work in
  short rounds].
A [simple|small] example [usually |often |]shows more than a long explanation.
[If something is unclear|When in doubt], [go back one step|return to the last point that worked]
  and try again from there.
The first version [does not have|rarely has] to be perfect; it only has to [work|be clear|be easy
  to change].
[Small, regular steps|Short, steady rounds] [tend to|usually] work better than one big
  [effort|push].
Try to [change only one thing at a time|keep one thing fixed while you change another], so that you
  can see what [made the difference|helped].
[Ask|It is worth asking] someone [else |]to look at it; a [fresh|second] pair of eyes often
  [sees|notices] what you [miss|overlook].
[Keep|Write] a [short|simple] note of each step, because [you may need it again|it saves questions
  later].
What [looks|seems] [hard|complicated] at first often [becomes clear|gets easier] once it has a name.
[Leave|Plan] a little [room|time] for surprises, and the rest of the plan [gets easier to
  follow|stays calm].
There is [no need|no reason] to [hurry|rush]; a [calm|careful] start [saves time|pays off] later.
[Compare the result with|Hold the result against] what you expected, and [note|write down] [every
  difference|anything that surprises you].
A [clear|good] goal makes each [decision|step] [smaller|easier to take].
[Take a short break|Pause for a moment] when you get stuck, and [come back|return] with one
  [clear|small] question.
[Think about|Consider] who will [use|read|need] the result, and [let that guide you|start from
  there].
[The order matters|Order matters] less than you might think, as long as [each step is small|you can
  undo each step].
[It is fine|It is perfectly fine] to [start in the middle|skip a part] and [fill the gaps|come back
  to it] later.
If you have [two|several] options, [try the simpler one first|begin with the one that is easier to
  undo].
When it comes to {it}, [patience|practice|a bit of patience] [helps|counts] more than
  [speed|talent|expensive tools].
[Much|A lot] of the work with {it} is [preparation|deciding what to leave out], and that part is
  easy to [plan|test].
[Keep|Try to keep] the big picture of {it} in view, but [work|move] in [small|manageable] pieces.
[Look for|Find] a small part of {it} that [stands alone|you can test today], and begin there.
When you [explain|describe] {it} to a friend, you quickly see which parts are [clear|solid] and
  which are not.
= view
It helps to look at {it} from [two sides|a little distance] before you [decide|settle on an answer].
[Many|Most] people [wonder|have wondered] about {it} [long |]before they read about it.
A [simple|small] [drawing|diagram|sketch] makes the main idea [easier to see|easier to remember].
[One|A] good question to ask about {it} is what would [change|be different] if one part were
  missing.
Some parts of {it} are easy to [see|describe], and others need a [closer|second] look.
[If you look closely|On a closer look], there are several [small|separate] questions inside the big
  one.
It is [worth asking|good to know] where an answer about {it} comes from, and how [old|reliable] it
  is.
[Words matter here|The words matter]: a [clear|short] definition [avoids|prevents] many
  [misunderstandings|detours].
[Two|A few] short [sources|texts] side by side often [tell|show] more than a single long one.
The [short|simple] version is a good [start|first step]; the details [can come|make sense] later.
[Compare|Try comparing] {it} with something you already know well.
[Much of what people|What people|What many] say about {it} depends on the [place|time] and on the
  [context|occasion].
[Try to explain|Explain] {it} in one sentence, and see which word is [missing|hard to find].
A [good|clear] example stays in the mind longer than a [definition|list].
There are [often |]several [reasonable|good] answers, and they [fit|suit] different
  [needs|situations].
[Curiosity|A little curiosity] is the best [guide|companion] here: one question leads to the next.
[It is fine|It is perfectly fine] to leave a part of the question [open|for later].
[A timeline|A short timeline|A map] can [bring order into|sort] the [pieces|details].
= view example
[For example|For instance], [imagine|picture] {it} as a [short film|comic strip|museum tour]: what
  would the first [scene|picture] show?
[Suppose|Imagine] a friend asks you about {it} [on a walk|over dinner]: what would you say first?
It is a little like [a puzzle|a mosaic|a jigsaw]: the [edges|corners] come first, and the middle
  [follows|fills in later].
[For example|For instance], [write down|collect] three words that belong to {it}, and
  [sort|connect] them.
= view caution
[Be careful|Take care] with answers that [sound|look] too [simple|certain].
[A single|One] source is rarely enough, so [compare|check] a second one.
It is easy to mix up two [similar|related] words here, so [look twice|go slowly].
= current
For the latest [numbers|details] on {it}, a live source is the best place to look.
Details about {it} can change [quickly|at any time], so [check|look at] a live source before you
  [decide|plan].
= point example
[For example|For instance], [set aside|take] [twenty|thirty|ten] minutes, pick one small part, and
  [stop|review it] when the time is up.
[For example|For instance], [draw|sketch] it on a [single|blank] sheet of paper and [mark|circle]
  the parts you [are sure of|understand].
[Say|Suppose] you have [one|a free] afternoon: [use|spend] the first hour on a rough
  [draft|version] and the rest on [making it better|details].
[Suppose|Imagine] the [first|simple] attempt [fails|does not work]: you have still learned which
  part to [look at|change] next.
[For example|For instance], a [short|plain] checklist on the wall [keeps|can keep] everyone on the
  same page.
Think of it as [a map|packing a suitcase|tidying a drawer]: you [decide|choose] what belongs, and
  [leave out|remove] the rest.
= point caution
[Be careful|Take care] not to [change|fix] too many things at once, because then it is hard to tell
  what helped.
[One thing|A detail] that is easy to [miss|forget] is [a backup|the last check|the way back]; [plan
  it|think of it] early.
[Do not worry|No need to worry] if the first try [feels slow|is not pretty]; that is [normal|part
  of it].
[Try not to|Better not] [decide everything at once|skip the test at the end], even if it is
  tempting.
[The most common trap|A common trap] is to [start too big|wait for the perfect moment]; [start
  small|begin today] instead.
= closing
[In short|To sum up]: [start small|begin with one step], check [often|the result], and [keep what
  works|change one thing at a time].
That should be enough to [get started|take the first step] with {it}.
[I hope this helps.|I hope that helps.] [Good luck with|Have fun with] {it}!
[From here|After that], each [step|round] gets a little easier.
[If you like|If you want], I can [go into more detail|give you an example|turn this into a
  checklist].
[Let me know|Tell me] which part [matters most|is most useful] to you, and I can [say more|go
  deeper].
= ask
[What|Which part] [would you like to|do you want to] [look at|try] first?
Would you like [an example|a shorter version|a checklist] [next|as well]?
[Do you have|Is there] a [deadline|limit] that I should [know about|keep in mind]?
What have you tried [so far|already]?
= step
[Write down|Note] [what you want to change|what you expect] in one sentence.
[Make|Keep] a copy of what you have [now|today], so that you can go back.
[Collect|Gather] the [things|pieces] you need [in one place|before you begin].
Try it [once |]with [a small example|one simple case|something you can afford to lose].
[Check|Look at] the result, and [compare it with your note|note what surprises you].
[Change|Adjust] one thing, and [try again|repeat the check].
[Ask|Invite] someone to [look at|try] the result.
[Repeat|Continue] with the next part [until all of them are done|at your own pace].
[Tidy up|Clean up]: [remove|throw away] what you [no longer need|only needed on the way].
[Write|Keep] a short note for [the next time|your future self].
[Take a break|Stop for today], and look at it again with [fresh eyes|some distance].
= bullet
Start small | One [small|simple] example shows more than a long plan.
Know the goal | One sentence about the result [is enough|will do].
Keep a copy | You can [always |]go back to what [worked|you had].
One change at a time | That way you see what [helped|made the difference].
Check early | A quick [look|test] now saves a long search later.
Write it down | A [short|simple] note is [easy|quick] to [find|share] again.
Ask for feedback | A second pair of eyes [often |]sees more.
Leave some room | [Plans|Good plans] have [space|time] for surprises.
Use what you have | [New tools|Better tools] can come later.
Take breaks | A [short|little] pause [keeps|makes] the head clear.
Set a limit | [Decide|Choose] in advance [how long|how much] is enough.
Celebrate progress | [Small|Even small] steps [count|add up].
Keep it simple | [Leave out|Skip] what [nobody|no one] will miss.
Finish one part | A [small|finished] piece beats [a big half|many loose ends].
= view bullet
The main idea | One sentence about {it} [is a good test|is enough for a start].
The words | A [clear|short] definition avoids [misunderstandings|detours].
The parts | [Draw|List] what belongs to {it}, and what does not.
An example | One [clear|concrete] case stays in the mind longer than a rule.
A comparison | Something you already know [makes the rest easier|is a good yardstick].
The background | [Ask|Find out] what came before, and what came after.
The numbers | [Note|Check] the unit, the year and the source.
The sources | A second source [often |]shows what the first left out.
Different views | People [who disagree|from other places] may [see|describe] it in another way.
Open questions | [Keep|Write down] what is still unclear, and look again later.
The limits | [Every|A good] rule has [a case|an exception] where it no longer fits.
The next step | [Explain it|Tell it] to a friend, and see where you [stop|hesitate].
= title
First steps
Before you start
A small example
What to check
Common questions
A simple plan
What can wait
The main idea
Next steps
Things to keep in mind
Useful habits
How to continue
A closer look
What you need
Two short notes
In practice
= couplet
The morning opens like a door, / and there is room for one thing more.
A quiet hour, a cup of tea, / a little time for you and me.
The rain has drawn its silver line, / the garden says that it is fine.
A paper boat, a patient stream, / the evening folds into a dream.
We count the steps, we lose the number, / the lamps along the river slumber.
A window holds a square of blue, / and every question looks brand new.
The kettle hums, the pages turn, / there is no end to what we learn.
The hills lie soft in golden light, / the day walks gently into night.
One leaf lets go, one leaf holds on, / a little bird repeats its song.
So take your time and find your way, / tomorrow is another day.
A pencil and an empty page / are company at any age.
The stars come out, they take their place, / a thousand lanterns hung in space.
= begin
One [bright|quiet|rainy] morning, {who} [found|discovered] [a small wooden box|an old map|a blue
  key] under the [stairs|oak tree|kitchen table].
[Once, in a town by the sea|Long ago, at the edge of a forest|In a narrow street with yellow
  doors], there lived [a baker|a clockmaker|a gardener] called {who}.
Nobody in the [village|valley|little harbour] knew why {who} [whistled|carried a lantern|left the
  door open] every evening.
= middle
{who} [looked up|said nothing] for a long time and then [laughed|smiled|nodded].
The [path|road] led past [a mill|a sleepy dog|seven lamp posts], and with every step the
  [air|light] [grew softer|changed].
["Is this all?"|"Where does it go?"|"Shall we?"] asked a [small voice|passing cat|friend] from
  [behind the fence|the window|the bridge].
It was [colder|brighter|quieter] than [anyone had expected|usual], and the [wind|river] seemed to
  [listen|hum along].
By noon, [half the village|three curious neighbours|the whole street] had come to [help|look|bring
  cake].
There was only one [problem|riddle|rule]: nobody [remembered|could agree on] [the right word|the
  way back|the old song].
= rumour
In those days, everyone [in the village|along the river] talked about {it}.
{who} had heard a hundred tales about {it}, and believed [half of them|nearly all of them].
That [evening|morning], [the old miller|a traveller] told {who} about {it}.
= turn
So they [sat down|lit a lamp|made tea] and [told each other stories|waited for the rain to
  stop|drew a new map].
At last, something [clicked|moved|shone] where [nothing had been before|they had looked twice
  already].
{who} [took a deep breath|held the lantern higher] and [opened the door|took one more step].
And because nobody was in a hurry, [everything|each small thing] found its place.
= end
From that day on, the [door|window|little gate] was never [locked|closed] again.
And if you [pass by|listen closely] on a [quiet|clear] evening, you can still [hear the
  whistling|see the light].
{who} [went home|walked back slowly], and [slept|dreamed] very well indeed.
= joke
Why did the bicycle take a nap? It was two-tired.
What do you call a bear with no teeth? A gummy bear.
Why did the scarecrow get a prize? It was outstanding in its field.
I told my plants a joke. Now they are rooting for me.
What is brown and sticky? A stick.
Why was the broom late? It overswept.
= say
[What|Where] should we [start|begin] with {it}? / I would [start|begin] with [the smallest
  part|what we already know].
How long will it take? / [An hour|An afternoon], if we [leave out|skip] the [decoration|extras].
[And what|What] if it does not work? / Then we [go back one step|try the other way] and
  [smile|start again].
[Shall I|Should I] [write that down|take notes]? / [Please do.|Yes, please.] A [short|single] line
  is enough.
[Who|Who else] could help us? / [A friend|Someone] who has never [seen|tried] it. They ask the best
  questions.
[Are we|So are we] done? / [Almost.|Nearly.] One last [look|check], and then [we celebrate|tea].
= cheer
[Great|Good|Nice] to see you here!
One [step|small step] at a time, [and you are nearly there|you are doing fine].
[You have got this|You can do this]!
[Have fun with|Enjoy] {it}!
[Take it easy|Keep it simple] and [enjoy the day|have a little fun].
[Small wins|Little steps] count [too|as well]!
[Well done|Nice work] so far, keep going!
= fact
The [formula|line] below is easier to read [in parts|from left to right].
[Here is|This is] the [same idea|next step] as a formula.
[Now|Next], we [write|put] the [pieces|terms] [together|in order].
[Each|Every] symbol [stands for|names] one [quantity|part] of the [problem|task].
[Put together|In the end], this [gives|leaves] [us |]a short [form|line]:
= code
Here is a [short|small] sketch, with {it} in mind:
[This snippet|The code below] is a starting point for {it}:
[You could|One could] write it like this:
[Here is|This is] a [minimal|small] example:
= remark
[Adjust|Change] the names and the limit to [fit your case|your needs], and [test it with|try it on]
  a small [example|input] first.
[The names are placeholders|Replace the names with your own]; the [structure|outline] is what
  [counts|matters] here.
[Run it once|Try it] with a small input, and [check|look at] the result before you [go on|rely on
  it].
= lead
Here are [a few|some] [points|ideas|notes] about {it}:
[These points|These ideas] [help|are a good start] with {it}:
[A few things|Some things] to [keep in mind|remember] with {it}:
[In short|Briefly], when it comes to {it}:
= steps
[Here is|This is] a [simple|short] plan for {it}:
[Follow these|Try these] steps for {it}:
Step by step, here is a way to approach {it}:
= table
[Here is|This is] an overview of {it} as a table:
[The table|This table] sums up {it}:
= short
[That depends on|It depends on] [what you already have|a few details].
[Start small|Begin with a small example] and check the result.
[Let's|We can] look at {it} together.
[Sure|Of course]. What would you like to know [first|about {it}]?
[A small example|One small test] will [show you|tell you more].
[Good question|Fair question]. The [short|simple] answer is to [start small|take it step by
  step|look twice].
[Yes|Sure], with [a little patience|some care|a good example|a short plan].
[Perhaps|Maybe], but [check|test] it [first|with a small example].
[One step|One question|One part] at a time is [enough|fine] when it comes to {it}.
= announce
Let me [check|look into] {it} for you.
[One moment|Just a moment], I'm [looking into|checking] {it}.
I'll [look that up|check that] [for you|now].
[Sure, let me|Let me] [find out|have a look].
= hello
[Hello|Hi|Hi there]! How can I help you[ today|]?
[Hello|Hi]! What would you like to [talk about|work on|know]?
[Hello|Hi there]! [Nice|Good] to meet you. What is on your mind?
= topics
[Here are|These are] [a few|some] things we could [talk about|look at]:
[If you like|If you want], we can [talk about|start with] one of these:
= welcome
[You're welcome|My pleasure|Happy to help]! [Is there|Let me know if there is] anything else I can
  do for you.
[You're welcome|Any time]! Have a [nice|good|great] day.
= found
Here is what I found for {it}:
[I checked|I have looked into] {it}. This is the result:
The [answer|result] for {it}:
"""


def _read_texts() -> dict[str, tuple[str, ...]]:
    lists: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in _TEXTS.strip().splitlines():
        if line.startswith("= "):
            lines = lists[line[2:]] = []
        elif line.startswith("  "):
            lines[-1] += line[1:]
        else:
            lines.append(line)
    return {name: tuple(lines) for name, lines in lists.items()}


SENTENCES = _read_texts()
"""The sentences of each kind."""

SUBJECTS = (
    "planning a small garden",
    "learning a new language",
    "packing for a weekend trip",
    "baking bread at home",
    "organizing a bookshelf",
    "writing a good letter",
    "a quiet morning routine",
    "planning a birthday party",
    "naming things in a program",
    "preparing a short talk",
    "choosing a hiking trail",
    "keeping a diary",
    "repairing an old chair",
    "a shared kitchen",
    "working with a new team",
    "taking better photos",
    "drawing maps by hand",
    "testing a small program",
    "a weekly meal plan",
    "reading more books",
)
"""Subjects of answers to no question."""

ROWS = (
    ("Prepare", "10 min", "low", "have everything in one place"),
    ("Small test", "15 min", "low", "see how it behaves"),
    ("First version", "1 hour", "medium", "have something to show"),
    ("Review", "20 min", "low", "find what is unclear"),
    ("Feedback", "1 day", "low", "hear another opinion"),
    ("Second version", "1 hour", "medium", "use what you learned"),
    ("Details", "2 hours", "high", "make it pleasant to use"),
    ("Final check", "15 min", "low", "be sure that nothing is missing"),
    ("Notes", "10 min", "low", "remember it next time"),
)
"""Rows of a table of steps: the step, its time, its effort and its purpose."""

COLUMNS = ("Step", "Time", "Effort", "Purpose")

TOPICS = (
    ("Meaning", "What exactly is it?", "a dictionary", "the words are clear"),
    ("Examples", "Where does it occur?", "everyday life", "there is one to look at"),
    ("Parts", "What belongs to it?", "a drawing", "each part has a name"),
    ("Origin", "When did it begin?", "a timeline", "you know what came before"),
    ("Reasons", "Why is it so?", "a textbook", "you can tell it to a friend"),
    ("Numbers", "How much, how many?", "a table of data", "the source is named"),
    ("Views", "Who sees it differently?", "a second source", "you know both sides"),
    ("Limits", "When is it not true?", "an exception", "you can tell them apart"),
    ("Open points", "What is still unclear?", "your own notes", "one question is left"),
)
"""Rows of a table of what there is to know: a topic, its question, a source, and when to stop."""

TOPIC_COLUMNS = ("Topic", "Question", "Where to look", "Enough when")

ASPECTS = (
    ("First impression", "try a small example"),
    ("Getting started", "note what you need"),
    ("Daily use", "try it for a week"),
    ("Help from others", "ask someone who uses it"),
    ("Changing your mind", "check how to go back"),
    ("Cost", "compare the total"),
    ("Room to grow", "think one year ahead"),
)
"""Aspects under which two things can be compared, and how to find out."""


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


NOUNS = _split("""
    idea plan note question answer example garden window letter table book map list path story
    morning evening season river bridge kitchen lamp paper song picture corner market harbour
    project page chapter report meeting update draft sample summary design library workshop tool
    pattern detail result method option review routine journey station ticket holiday recipe
""")

ADJECTIVES = _split("""
    small simple clear quiet new short useful careful early open gentle bright fresh steady
    friendly practical familiar green warm tidy plain honest patient curious second weekly shared
    flexible detailed modern
""")

NAMES = ("Mira", "Tom", "Ada", "Noah", "Lena", "Sam", "Ines", "Juno")
"""Names of people in stories."""
