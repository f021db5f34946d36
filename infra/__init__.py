"""What a site has: machines, networks, keys and secrets, made by Pulumi and handed to the playbooks."""
