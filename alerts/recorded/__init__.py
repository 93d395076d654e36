"""Recording rules between the engine layer and alerts or boards: one file is one subject.

A rule serves every model: what differs between models is a series of the inventory. Groups run
every 30 seconds; `-mid` every minute, for windows up to six hours; `-slow` every four minutes, for
longer windows, which read samples taken every four minutes. Four minutes is the ceiling: beyond
five a series would vanish between two evaluations.
"""
