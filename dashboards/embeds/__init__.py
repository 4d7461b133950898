"""Charts for articles: one small page each, a picture, its specification, and how to put it there.

``catalogue`` says which charts there are and makes them, ``page`` writes the page in the frame,
``pictures`` draws SVG and PNG, ``snippets`` and ``builder`` give what an article needs, and
``routes`` answers the addresses.
"""
