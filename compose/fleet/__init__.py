"""The demo fleet: pages of model servers that do not exist, with traffic that could.

Every number comes from requests that are drawn one by one, so counters, sums and buckets agree with
each other. Names and labels are those of the real engines; help texts are our own.
"""
