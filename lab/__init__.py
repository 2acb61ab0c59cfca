"""The proving ground: namespaces, simulated branches, scenarios. Imports all, is imported by none."""
