#!/bin/sh
# Run once by the image, after the set-up: InfluxQL asks for the database `branchline`, InfluxDB 2 has the bucket.
set -eu
influx v1 dbrp create --org "$DOCKER_INFLUXDB_INIT_ORG" --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
  --db branchline --rp autogen --default
