"""What the doubles of jicofo and of Videobridge run on a host: nothing but Python's own library."""
