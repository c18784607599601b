complete --keep-order --exclusive --command meshagent --arguments "(MESHAGENT_COMPLETE=fish meshagent -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
