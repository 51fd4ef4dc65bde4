"""Who may come in: accounts and their passwords, logins, tokens, and the clients of OAuth."""
