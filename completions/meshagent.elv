# Completion of meshagent's commands in Elvish. Elvish quotes what is put onto the line.
set edit:completion:arg-completer[meshagent] = {|@words|
    tmp E:MESHAGENT_COMPLETE = elvish
    try { (external meshagent) -- $@words | from-lines } catch _ { }
}
