"""The first study, loaded by `make run`: a made-up vegetable-box scheme and its support assistant.

`support.yaml` holds questions, answers and how good each answer is by design; `study.yaml` and
`compare.yaml` are the study files. `load` imports the answers as any file is imported, opens both rounds and
lets simulated raters work through the scoring round by the same claims that people use. Planted effects, for
a reader to find in the report: Sprout 2 is better than Sprout 1, and both than the FAQ search; the rater
"severe" marks lower than the others; the LLM judge likes Sprout 1's confident mistakes.
"""
