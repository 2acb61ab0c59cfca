"""What crosses the network between agent and collector: topics, messages, codec. Imports nothing of ours."""
