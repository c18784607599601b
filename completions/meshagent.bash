# Completion of meshagent's commands in bash.
#
# The program reads the line itself, as bash splits words at `=` and `:` too. It answers with words that
# are quoted already: they are put onto the line as they are.
_meshagent() {
    local candidate space= answer
    COMPREPLY=()
    answer=$(MESHAGENT_COMPLETE=bash command meshagent -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    while IFS= read -r candidate; do
        if [[ -z $space ]]; then
            space=$candidate
        else
            COMPREPLY+=("$candidate")
        fi
    done <<<"$answer"
    case $space in
        nospace) compopt -o nospace 2>/dev/null ;;
        # Not a word of a meshagent command: a file after `>`, a variable.
        '') compopt -o default 2>/dev/null ;;
    esac
}
# bash before 4.4 has no nosort.
complete -o bashdefault -o nosort -F _meshagent meshagent 2>/dev/null ||
    complete -o bashdefault -F _meshagent meshagent
