"""Tables of figures and of targets, and figures taken in rounds."""

import re
import statistics


class Table:
    """Targets and how they were met, and figures beside them without a target."""

    def __init__(self):
        self.missed = 0
        self.verdicts = []
        self.sections = []  # (title, [(name, text)])

    def head(self, title):
        print(f"\n{title}", flush=True)
        self.sections.append((title, []))

    def line(self, name, text):
        print(f"  {name:<34} {text}", flush=True)
        self.sections[-1][1].append((name, text))

    def target(self, name, value, limit, form):
        met = value <= limit
        self.missed += not met
        self.verdicts.append(
            (name, form.format(value), form.format(limit), "met" if met else "missed"))

    def verdict(self):
        print(f"\n{'target':<52} {'measured':>10} {'at most':>10}")
        for name, value, limit, word in self.verdicts:
            print(f"{name:<52} {value:>10} {limit:>10}  {word}")

    def markdown(self):
        """The same as tables of Markdown, for the README."""
        print("\n| target | measured | at most | |\n|---|---:|---:|---|")
        for verdict in self.verdicts:
            print("| " + " | ".join(verdict) + " |")
        for title, lines in self.sections:
            print(f"\n{title}\n\n| | |\n|---|---|")
            for name, text in lines:
                print(f"| {name} | {text} |")


def rounds_of(count, runs):
    """Runs each of the named functions once a round; {name: [value of each round]}."""
    values = {name: [] for name in runs}
    names = list(runs)
    for i in range(count):
        # Another one begins each round, so that no one always comes after the same neighbour.
        for name in names[i % len(names):] + names[:i % len(names)]:
            values[name].append(runs[name]())
    return values


def ratio(values, name, other):
    return statistics.median(a / b for a, b in zip(values[name], values[other]))


def show_rounds(table, values, form, scale=1):
    for name, seen in values.items():
        each = "  ".join(form.format(v * scale) for v in seen)
        table.line(name, f"median {form.format(statistics.median(seen) * scale)}   rounds {each}")


def wrk_requests(cost):
    match = re.search(r"(\d+) requests in", cost.output)
    if not match or re.search(r"Non-2xx|Socket errors", cost.output):
        raise SystemExit(f"wrk met errors:\n{cost.output}")
    return int(match.group(1))
