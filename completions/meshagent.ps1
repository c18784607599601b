# Completion of meshagent's commands in PowerShell. The program answers with words that are quoted already.
Register-ArgumentCompleter -Native -CommandName meshagent -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @()
    foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        # Nothing of the line is run: an expression stands for its own text.
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    $encoding = [Console]::OutputEncoding
    $before = $env:MESHAGENT_COMPLETE
    try {
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
        $env:MESHAGENT_COMPLETE = 'powershell'
        $program = (Get-Command -CommandType Application -TotalCount 1 meshagent).Source
        # An empty argument is lost before PowerShell 7.3: the word has a mark in front.
        & $program -- @words "=$wordToComplete" 2>$null | ForEach-Object {
            $value, $shown, $help = $_ -split "`t"
            [System.Management.Automation.CompletionResult]::new($value, $shown, 'ParameterValue', $help)
        }
    } catch {
    } finally {
        [Console]::OutputEncoding = $encoding
        $env:MESHAGENT_COMPLETE = $before
    }
}
