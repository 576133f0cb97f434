"""Raises an exception whose text, class and attributes fight back."""


class Meta(type):
    def __getattr__(cls, name):
        raise cls()


class Foul(BaseException, metaclass=Meta):
    def __str__(self):
        raise Foul()

    def __getattr__(self, name):
        raise Foul()

    __repr__ = __str__


raise Foul()
