"""Cards for the Hub: what a model or a data set is, what it is worth, and how to load it.

`write_card` fills the templates beside it with measured results, `export` brings a model into the formats of others,
`space` makes a Space of the page, `folder_check` finds what is not fit for the Hub, and `push` sends what is.
"""
