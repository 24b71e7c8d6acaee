"""What `hardattn record` is made of: its inputs, its models and its loop."""
