"""What a shell has to run once, so that it asks capsule what can come next."""

from __future__ import annotations

_BASH = r"""# Completion of capsule in bash: source this, or put it where bash-completion looks.
_capsule() {
    local kind end before word line current="${COMP_WORDS[COMP_CWORD]}" program="${1/#\~/$HOME}"
    COMPREPLY=()
    {
        IFS= read -r kind && IFS= read -r end && IFS= read -r before && IFS= read -r word || return
        # bash may break a word at = and :, and then it completes what is behind.
        [[ -n $before && $current == "$before"* ]] || before=
        if [[ $kind == words ]]; then
            while IFS= read -r line; do COMPREPLY+=("$before${line%%$'\t'*}"); done
            return
        fi
    } < <("$program" __complete line "${COMP_LINE:0:COMP_POINT}" 2> /dev/null)
    compopt -o filenames 2> /dev/null
    while IFS= read -r line; do COMPREPLY+=("$before$line"); done < <(
        compgen -d -- "$word"
        [[ $kind == folders ]] || compgen -f -X "!*$end" -- "$word" | while IFS= read -r line; do
            [[ -d $line ]] || printf '%s\n' "$line"
        done
    )
}
complete -F _capsule capsule
"""

_ZSH = r"""#compdef capsule
# Completion of capsule in zsh: source this behind compinit, or keep it as _capsule in fpath.
_capsule() {
    local -a answer shown values
    local line
    # The dot keeps empty lines at the end.
    answer=("${(@f)$("${(Q)~words[1]}" __complete words \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null; print .)}")
    (( $#answer >= 5 )) || return 1
    compset -p ${#answer[3]}
    case $answer[1] in
        files)
            _alternative "files:file:_path_files -g '*$answer[2](-.)'" \
                'folders:folder:_path_files -/'
            ;;
        folders) _files -/ ;;
        words)
            for line in "${(@)answer[5,-2]}"; do
                values+=("${line%%$'\t'*}")
                shown+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
            done
            compadd -l -d shown -a values
            ;;
    esac
}
if [[ $funcstack[1] == _capsule ]]; then _capsule "$@"; else compdef _capsule capsule; fi
"""

_FISH = r"""# Completion of capsule in fish: source this, or keep it as completions/capsule.fish.
function __capsule_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l current (string replace -r '^[\'"]' '' -- "$current" | string unescape)
    set -l answer ($words[1] __complete words $words[2..] "$current" 2> /dev/null)
    test (count $answer) -ge 4; or return
    switch $answer[1]
        case files
            set -l end (string escape --style=regex -- "$answer[2]")
            __fish_complete_path "$answer[4]" | string match -r "^[^\t]*(?:/|$end)(?:\t.*)?\$" \
                | string replace -r '^' -- "$answer[3]"
        case folders
            __fish_complete_directories "$answer[4]" '' | string replace -r '^' -- "$answer[3]"
        case words
            for line in $answer[5..]
                printf '%s%s\n' "$answer[3]" "$line"
            end
    end
end
complete --command capsule --no-files --arguments '(__capsule_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
