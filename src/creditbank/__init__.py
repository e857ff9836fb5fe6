"""creditbank: an auditable credit bank. Certificates in, credits accounted as events, exemptions out."""

__version__ = "0.1.0"
