"""The eight questions of the audit with their answers: data, to be read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible answer: its words, what it speaks for ("" where it is open), and why it does."""

    text: str
    speaks_for: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the audit, with its answers by name."""

    text: str
    answers: Mapping[str, Answer]


_RAG, _TUNING, _PROMPT, _BOTH = "RAG", "fine-tuning", "a prompt", "both"

QUESTIONS: dict[str, Asked] = {
    "documents": Asked(
        "Must answers come from documents of your own?",
        {
            "own": Answer("Yes, only from them", _RAG, "what only your documents say has to be looked up"),
            "partly": Answer("In part", _RAG, "that part has to be looked up"),
            "general": Answer("No, general knowledge will do", "", "there is nothing to look up"),
        },
    ),
    "behaviour": Asked(
        "Is it the behaviour or the form of answers that must change?",
        {
            "no": Answer("No, a prompt gets it right", _PROMPT, "there is nothing to train"),
            "some": Answer("A prompt gets it right mostly", _PROMPT, "examples in the prompt come first"),
            "much": Answer("Yes, and no prompt does it", _TUNING, "behaviour is what training changes"),
        },
    ),
    "change": Asked(
        "How often does the knowledge change?",
        {
            "daily": Answer("Daily or weekly", _RAG, "a document is indexed again in seconds, a model is not"),
            "monthly": Answer("About monthly", _RAG, "twelve trainings a year cost more than twelve re-indexings"),
            "yearly": Answer("About yearly", "", "either can keep up"),
            "never": Answer("Hardly ever", "", "what was learned stays true, if there is something to train"),
        },
    ),
    "examples": Asked(
        "How many labelled examples do you have?",
        {
            "none": Answer("Fewer than 50", _PROMPT, "a handful fits into the prompt"),
            "some": Answer("50 to 199", _PROMPT, "fewer than 200 give no reliable gain: put the best into the prompt"),
            "hundreds": Answer("200 to 999", "", "enough for a small model and a narrow task"),
            "thousands": Answer("1,000 or more", "", "enough for broader behaviour, and for a fair test"),
        },
    ),
    "citations": Asked(
        "Must answers cite where they come from?",
        {
            "must": Answer("Yes, every one", _RAG, "only what was retrieved can be cited truthfully"),
            "useful": Answer("It would help", "", "sources come with retrieval at no cost"),
            "no": Answer("No", "", "sources need not be kept"),
        },
    ),
    "volume": Asked(
        "How many queries, and how fast?",
        {
            "low": Answer("Below 10,000 a month", "", "a retrieval step and longer prompts cost little"),
            "medium": Answer("10,000 to 1,000,000 a month", "", "both can be afforded: see the costs"),
            "high": Answer("More, or within some 300 ms", _TUNING, "each token of context is paid for, and waited for"),
        },
    ),
    "skill": Asked(
        "Can your team train, test and run models?",
        {
            "no": Answer("No", "", "a model that nobody can retrain goes stale"),
            "some": Answer("With help", "", "it can be learned; plan time for it"),
            "yes": Answer("Yes", "", "training is within reach"),
        },
    ),
    "both": Asked(
        "Do you need own knowledge and another behaviour at once?",
        {
            "no": Answer("No", "", "one approach can do it"),
            "yes": Answer("Yes", _BOTH, "knowledge is looked up, behaviour is learned"),
        },
    ),
}
