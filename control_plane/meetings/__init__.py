"""Booking, convocation, the course of a sitting, and what members and guests are told of it."""
