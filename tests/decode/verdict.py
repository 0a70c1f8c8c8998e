# SPDX-License-Identifier: MIT
"""What two disassemblers say of the same words, sorted into what is meant to differ and what is wrong."""

import collections


def verdict(differing, rules, ours):
    """
    Prints what differs; how much of it is wrong. Each of differing is the word, what objdump says, what ours
    (that disassembler's name) says, and the arguments of the rules, whose documentation says what they let
    pass.
    """
    meant, wrong = collections.Counter(), []
    for word, a, b, args in differing:
        for rule in rules:
            if rule(*args):
                meant[rule] += 1
                break
        else:
            wrong.append((word, a, b))
    for rule, n in sorted(meant.items(), key=lambda i: i[0].__name__):
        print('%6d  meant: %s' % (n, rule.__doc__))
    for word, a, b in wrong[:50]:
        print('0x%08x: objdump "%s", %s "%s"' % (word, a, ours, b))
    return len(wrong)
