# Completion of meshagent's commands in fish. fish quotes what is put onto the line.
function __meshagent_complete
    MESHAGENT_COMPLETE=fish command meshagent -- \
        (commandline --current-process --tokenize --cut-at-cursor) \
        (commandline --current-token --cut-at-cursor) 2>/dev/null
end
complete --command meshagent --keep-order --exclusive --arguments '(__meshagent_complete)'
