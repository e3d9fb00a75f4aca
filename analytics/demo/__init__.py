"""The demonstration study, loaded by `make run`: a made-up vegetable-box scheme and its support assistant.

| file | holds |
|---|---|
| `handbook.yaml` | the help centre: what is true |
| `prompts/` | what customers asked, what three systems answered, and how good each answer is by design |
| `studies/` | the study files of the rounds |
| `reasons.yaml` | sentences that raters write |
| `content.py` | reads the written part |
| `machine.py` | what each answer took, and what rules and an LLM judge say, with the judge's planted faults |
| `raters.py` | the simulated raters, with theirs |
| `words.py` | which rater writes what |
| `simulate.py` | lets them work through a round, by the same claims as people |
| `load.py` | everything in order |

What was planted, how large it is and where it shows: docs/demo-study.md.
"""
