"""A long collection: who asks for which pages, and how the outcome is told."""

from bench.depth import BASE, Depth, workloads


def test_each_reader_asks_for_every_kind_of_page() -> None:
    asked = workloads({"every": "s1", "thousandth": "s2"}, 5000)

    assert [each.name for each in asked][:5] == [
        f"every, {form}" for form in ("first", "last", "after", "before", "unordered")
    ]
    assert len(asked) == 10
    assert asked[9].variants[0].headers["X-Appwrite-Session"] == "s2"
    assert asked[4].variants[0].path.startswith(f"{BASE}/long/documents?queries[]=")
    assert asked[4].variants[0].path.endswith("&total=false")
    after = {each.path for each in asked[2].variants}
    assert len(after) == 5
    assert all("cursorAfter" in path and "000%22" in path for path in after)


def test_outcome_is_one_line() -> None:
    pages = [("every, first", 0.6), ("tenth, last", 1.25)]

    assert Depth(documents=1_000_000, pages=pages).as_text() == (
        "1,000,000 documents, pages of 25: every, first 0.60 ms; tenth, last 1.25 ms."
        " All are below 10 ms."
    )
    slow = Depth(documents=10, pages=[*pages, ("thousandth, after", 10.0)])
    assert slow.as_text().endswith("Not all are below 10 ms.")
