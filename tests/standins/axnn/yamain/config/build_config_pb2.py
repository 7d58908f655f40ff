"""What protoc would make of the stand-in's proto, where Pulsar2 7.0 has its own."""

import pulsar2_schema

BuildConfig = pulsar2_schema.build_config()
