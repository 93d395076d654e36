"""Counts observations on a Flink cluster, and hands the counts of each window to the exporter.

    pip install 'modelwatch[flink]'
    flink run -pym exporters.drift.flink.job --pyRequirements requirements.txt \
      --kafka-servers kafka-1:9092 --kafka-topic predictions \
      --baseline fraud/production=baselines/fraud.json --exporter http://drift:9469

Workers need modelwatch, either in their image or by `--pyRequirements` and a file with that one
word; and Flink's Kafka connector, in their image or by `--jar`. See `job.py --help`.
"""
