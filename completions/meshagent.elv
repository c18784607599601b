
set edit:completion:arg-completer[meshagent] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) MESHAGENT_COMPLETE="elvish" meshagent -- $@words) | to-lines
}
