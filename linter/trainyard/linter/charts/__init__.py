"""Pictures of numbers: pure models, drawn as SVG for a page and as text for a terminal.

A model is a plain value that holds every number that a picture shows, so the table under a picture and the picture
cannot disagree. Nothing here knows a spec, a plan or a job: a plan, the report of a finished job and a web page bring
their own numbers and share the drawing.
"""
