"""What came of a run, whether a server tells it or a folder holds it: curves, comparisons, exports, a page with pictures."""
