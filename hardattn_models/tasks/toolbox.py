"""Small tools that compute something from one whole number or two, and how people speak of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

LEAST, MOST = 2, 30
"""Tools are asked about whole numbers from one to the other."""
LARGEST = MOST * MOST
"""No tool gives more, and none less than 0."""
REFUSED = -1
"""What comes of a call with another count of numbers than the tool takes."""
HOLE = "#"
"""Stands for a number in a request."""


@dataclass(frozen=True)
class Tool:
    """An ordinary function with the words for it.

    Attributes:
        name: what it is called here; no model is told.
        family: tools of one family are easily taken for each other.
        function: of as many whole numbers as its requests have holes.
        descriptions: what it is offered by.
        requests: what it is asked for by, with a hole for each number.
        new: a further request, of words from others, that is kept from training.
    """

    name: str
    family: str
    function: Callable[..., int]
    descriptions: tuple[str, ...]
    requests: tuple[str, ...]
    new: str

    @property
    def takes(self) -> int:
        """How many numbers it takes."""
        return self.new.split().count(HOLE)

    def __call__(self, *numbers: int) -> int:
        """Run it; ``REFUSED`` where it takes more numbers or fewer."""
        return self.function(*numbers) if len(numbers) == self.takes else REFUSED


def _divisors(a: int) -> list[int]:
    return [one for one in range(1, a + 1) if a % one == 0]


def _is_prime(a: int) -> bool:
    return _divisors(a) == [1, a] and a > 1


def _primes(a: int) -> list[int]:
    return [one for one in range(2, a + 1) if _is_prime(one)]


def _next_prime(a: int) -> int:
    after = a + 1
    while not _is_prime(after):
        after += 1
    return after


def _digits(a: int) -> list[int]:
    return [int(digit) for digit in str(a)]


def _told(name: str, family: str, function: Callable[..., int], words: str) -> Tool:
    """Of four descriptions, four requests and a new one."""
    said = [" ".join(phrase.split()) for phrase in words.split("|")]
    return Tool(name, family, function, tuple(said[:4]), tuple(said[4:8]), said[8])


TOOLS = (
    _told("plus", "reckoning", lambda a, b: a + b, """
        adds two numbers | gives the sum of both | puts two amounts together |
        counts two heaps as one total |
        the sum of # and # | # plus # | # and # added together | the total of # and # |
        the total of # plus #"""),
    _told("minus", "reckoning", lambda a, b: max(a - b, 0), """
        takes the second number away from the first | subtracts and never goes below zero |
        says what is left after a loss | lowers one amount by another |
        # minus # | what is left of # after losing # | # lowered by # |
        the rest of # once # are taken away |
        what is left of # minus #"""),
    _told("times", "reckoning", lambda a, b: a * b, """
        multiplies two numbers | gives the product of both |
        adds one number to itself as often as the other says | counts the seats of a hall by rows |
        # times # | the product of # and # | # multiplied by # |
        the number of seats in # rows of # |
        the product of # multiplied by #"""),
    _told("distance", "reckoning", lambda a, b: abs(a - b), """
        tells how far apart two numbers are | gives the absolute difference |
        measures the gap between both | subtracts the smaller number from the larger |
        the difference between # and # | the gap between # and # | how far apart # and # are |
        the distance from # to # |
        the gap from # to #"""),
    _told("perimeter", "reckoning", lambda a, b: 2 * (a + b), """
        measures the way around a rectangle | gives the perimeter from two sides |
        tells the length of a fence around a field | doubles the sum of both |
        the perimeter of a # by # rectangle | the way around a field of # by # |
        the length of a fence for # by # | the border of a # by # yard |
        the fence around a # by # rectangle"""),
    _told("quotient", "division", lambda a, b: a // b, """
        divides and drops what is over | tells how many times one number fits into another |
        gives the whole part of a quotient | shares equally and says what each gets |
        # divided by # | what each gets when # are shared by # | the quotient of # and # |
        how often # holds # |
        the quotient when # are shared by #"""),
    _told("remainder", "division", lambda a, b: a % b, """
        divides and keeps only what is over | gives the remainder |
        says what nobody gets after sharing equally | reduces a number modulo another |
        the remainder of # by # | # modulo # | what is over when # are divided by # |
        the leftover of # shared by # |
        the leftover when # are divided by #"""),
    _told("packs", "division", lambda a, b: -(-a // b), """
        divides and rounds up | tells how many boxes are needed |
        counts trips until all are carried |
        gives the number of groups where the last may not be full |
        the number of boxes for # things with # in each | # over # rounded up |
        the trips for # people with # at once | the groups for # pupils with # in each |
        the number of trips for # things with # in each"""),
    _told("common divisor", "division", math.gcd, """
        finds the greatest common divisor | gives the largest number that divides both |
        finds the biggest square tile for a floor | tells what a fraction can be reduced by |
        the greatest common divisor of # and # | the largest number that divides # and # |
        the common measure of # and # | the biggest factor that # and # share |
        the greatest factor that divides # and #"""),
    _told("common multiple", "division", math.lcm, """
        finds the least common multiple | gives the smallest number that both divide |
        tells when two lights blink at once again | finds a denominator for two fractions |
        the least common multiple of # and # | the smallest number that # and # divide |
        when lights of # and # seconds meet again | the common denominator of # and # |
        the smallest common multiple of # and #"""),
    _told("larger", "order", max, """
        picks the larger of two numbers | gives the maximum |
        keeps the higher one and drops the lower | says which of both is more |
        the larger of # and # | the maximum of # and # | whichever of # and # is higher |
        the bigger one of # and # |
        the higher one of # and #"""),
    _told("smaller", "order", min, """
        picks the smaller of two numbers | gives the minimum |
        keeps the lower one and drops the higher | says which of both is less |
        the smaller of # and # | the minimum of # and # | whichever of # and # is lower |
        the lesser one of # and # |
        the lower one of # and #"""),
    _told("mean", "order", lambda a, b: (a + b) // 2, """
        gives the mean rounded down | averages two numbers and drops a half |
        finds the midpoint on the low side | halves the sum of both |
        the mean of # and # rounded down | the average of # and # without a half |
        the midpoint of # and # on the low side | half the sum of # and # |
        the average of # and # rounded down"""),
    _told("mean from above", "order", lambda a, b: (a + b + 1) // 2, """
        gives the mean rounded up | averages two numbers and makes a half whole |
        finds the midpoint on the high side | halves one more than the sum of both |
        the mean of # and # rounded up | the average of # and # with a half made whole |
        the midpoint of # and # on the high side | half of one more than the sum of # and # |
        the average of # and # rounded up"""),
    _told("between", "order", lambda a, b: max(abs(a - b) - 1, 0), """
        counts the numbers strictly between two | tells how many pages lie in between |
        counts posts from one to another without the ends | says how many are skipped |
        how many numbers lie between # and # | the count of pages between # and # |
        what is skipped from # to # | the posts from # to # without the ends |
        how many posts lie between # and #"""),
    _told("range", "order", lambda a, b: sum(range(min(a, b), max(a, b) + 1)), """
        adds all numbers from one to another | sums a range with both ends |
        totals a run of consecutive numbers | piles up every number on the way |
        the sum of all numbers from # to # | the range from # to # added up |
        the total of the run from # to # | every number from # to # piled up |
        the total of all numbers from # to #"""),
    _told("double", "scale", lambda a: 2 * a, """
        doubles a number | gives two times as much | counts the shoes of so many people |
        adds a number to itself |
        the double of # | twice # | the shoes of # people | # and as much again |
        twice as much as #"""),
    _told("triple", "scale", lambda a: 3 * a, """
        triples a number | gives three times as much | counts the wheels of tricycles |
        adds a number to its double |
        the triple of # | three times # | the wheels of # tricycles | # three times over |
        three times as much as #"""),
    _told("tenfold", "scale", lambda a: 10 * a, """
        multiplies by ten | gives ten times as much | appends a zero | turns dimes into cents |
        ten times # | the tenfold of # | # with a zero appended | the cents of # dimes |
        ten times as much as #"""),
    _told("half", "scale", lambda a: a // 2, """
        halves a number | gives half as much rounded down | counts the pairs in a heap |
        splits into two equal parts |
        half of # | # split in two | the number of pairs in # | one of two equal parts of # |
        one half of # split in two"""),
    _told("third", "scale", lambda a: a // 3, """
        divides by three | gives a third rounded down | counts the full trios in a heap |
        splits into three equal parts |
        a third of # | # split in three | the number of trios in # | one of three equal parts of # |
        one third of # split in three"""),
    _told("square", "scale", lambda a: a * a, """
        squares a number | multiplies a number by itself | gives the second power |
        tells the area from the side of a square |
        the square of # | # squared | # to the second power | the area of a square of side # |
        the area of # squared"""),
    _told("root", "scale", math.isqrt, """
        gives the whole square root | finds the side of a square from its area |
        tells which number squared comes nearest below | undoes a square |
        the square root of # | the root of # rounded down | the side of a square of area # |
        the number whose square is at most # |
        the side whose square is at most #"""),
    _told("next", "step", lambda a: a + 1, """
        adds one | gives the number after | goes one step up | names who comes behind in the queue |
        # plus one | the number after # | the successor of # | one step up from # |
        one after #"""),
    _told("previous", "step", lambda a: a - 1, """
        subtracts one | gives the number before | goes one step down |
        names who comes ahead in the queue |
        # minus one | the number before # | the predecessor of # | one step down from # |
        one before #"""),
    _told("next prime", "step", _next_prime, """
        finds the next prime | gives the smallest prime above | climbs until nothing divides |
        looks upwards for a number with no divisors |
        the next prime after # | the smallest prime above # | the first prime beyond # |
        the prime that follows # |
        the first prime after #"""),
    _told("last prime", "step", lambda a: _primes(a)[-1], """
        finds the last prime up to a number | gives the largest prime not above |
        falls until nothing divides | looks downwards for a number with no divisors |
        the last prime up to # | the largest prime not above # | the nearest prime at or below # |
        the prime that # has reached |
        the nearest prime up to #"""),
    _told("tens above", "step", lambda a: -(-a // 10) * 10, """
        rounds up to a multiple of ten | gives the next full ten | fills the last packet of ten |
        climbs to a number that ends in zero |
        # rounded up to tens | the next full ten from # | # with the last packet of ten filled |
        the multiple of ten not below # |
        the next multiple of ten from #"""),
    _told("tens below", "step", lambda a: a // 10 * 10, """
        rounds down to a multiple of ten | gives the full tens | drops the open packet of ten |
        falls to a number that ends in zero |
        # rounded down to tens | the full tens in # | # without the open packet of ten |
        the multiple of ten not above # |
        the full multiple of ten in #"""),
    _told("change", "step", lambda a: 100 - a, """
        tells the change from a hundred | subtracts from one hundred |
        says what is missing to a full hundred | gives the complement to one hundred |
        the change from a hundred after paying # | a hundred minus # |
        what is missing from # to a hundred | the complement of # to a hundred |
        what is missing to a hundred after paying #"""),
    _told("digit sum", "digits", lambda a: sum(_digits(a)), """
        adds the digits | gives the sum of all figures of a number | totals what each place shows |
        computes a cross sum |
        the digit sum of # | the digits of # added up | the cross sum of # |
        the total of the figures of # |
        the figures of # added up"""),
    _told("digit product", "digits", lambda a: math.prod(_digits(a)), """
        multiplies the digits | gives the product of all figures of a number |
        takes each place times the other | computes a cross product |
        the digit product of # | the digits of # multiplied | the cross product of # |
        the product of the figures of # |
        the figures of # multiplied"""),
    _told("last digit", "digits", lambda a: a % 10, """
        keeps the last digit | gives the figure in the ones place | drops the tens |
        shows how a number ends |
        the last digit of # | the ones place of # | the figure that # ends with |
        # without its tens |
        the last figure of #"""),
    _told("mirror", "digits", lambda a: int(str(a)[::-1]), """
        reverses the digits | reads a number backwards | swaps the tens with the ones |
        mirrors how a number is written |
        # read backwards | the digits of # reversed | # with tens and ones swapped |
        the mirror image of # |
        the digits of # read backwards"""),
    _told("bits", "digits", int.bit_count, """
        counts the ones in binary | tells how many bits are set |
        counts the powers of two that add up to it | gives the population count |
        the number of ones in # in binary | the bits set in # | how many powers of two make # |
        the population count of # |
        the count of bits set in #"""),
    _told("divisors", "factors", lambda a: len(_divisors(a)), """
        counts the divisors | tells how many numbers divide it |
        counts the ways to lay tiles as a rectangle | says how many factors there are |
        the number of divisors of # | how many numbers divide # | how many factors # has |
        the ways to lay # tiles as a rectangle |
        how many divisors # has"""),
    _told("first factor", "factors", lambda a: _divisors(a)[1], """
        finds the smallest prime factor | gives the least prime that divides |
        starts a factorisation | tells the lowest prime inside |
        the smallest prime factor of # | the least prime that divides # |
        the first factor of # from below | the lowest prime in # |
        the least prime factor of #"""),
    _told("last factor", "factors", lambda a: [p for p in _primes(a) if a % p == 0][-1], """
        finds the largest prime factor | gives the greatest prime that divides |
        ends a factorisation | tells the highest prime inside |
        the largest prime factor of # | the greatest prime that divides # |
        the last prime factor of # | the highest prime in # |
        the greatest prime factor of #"""),
    _told("sum of divisors", "factors", lambda a: sum(_divisors(a)), """
        adds all divisors | gives the sum of the factors | totals every number that divides |
        computes sigma |
        the sum of the divisors of # | the factors of # added up | the total of all that divides # |
        sigma of # |
        the total of the factors of #"""),
    _told("primes", "factors", lambda a: len(_primes(a)), """
        counts the primes up to a number | tells how many primes there are so far |
        gives the rank of a prime among primes | counts what a sieve leaves |
        the number of primes up to # | the count of primes until # |
        how many primes a sieve to # leaves | the primes so far at # |
        the number of primes until #"""),
    _told("triangle", "factors", lambda a: a * (a + 1) // 2, """
        adds all numbers up to one | counts the balls in a triangle | gives the triangular number |
        totals a staircase |
        the sum of one up to # | the triangular number of # | the balls in a triangle of # rows |
        the blocks of a staircase of # stairs |
        the balls in a staircase of # rows"""),
)  # fmt: skip
"""All tools; a tool's number is its place here."""
