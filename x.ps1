# Builds, tests and packs Genlock on Windows itself. See docs/packaging.md; ./x is its counterpart on Linux.
#
#   .\x.ps1 [check | build | test | package | genlock ARGUMENTS...]
param(
    [Parameter(Position = 0)] [ValidateSet('check', 'build', 'test', 'package', 'genlock')] [string] $Command = 'check',
    [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Rest = @()
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

function Say([string] $text) { Write-Host "== $text" -ForegroundColor Cyan }
function Stop-With([string] $text) { [Console]::Error.WriteLine($text); exit 4 }
function Find-Program([string] $name) { Get-Command $name -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1 }

# Runs a program and ends with its exit code when it fails.
function Invoke-Program([string] $program, [string[]] $arguments) {
    & $program @arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

# What the build needs; ends with the first thing that is missing and where to get it.
function Initialize-Tools {
    if (-not (Find-Program 'cargo')) { Stop-With 'Rust is missing. Install it from https://rustup.rs, open a new window, then run this again.' }
    $hostLine = (& rustc -vV) | Where-Object { $_ -like 'host:*' } | Select-Object -First 1
    $script:Target = ($hostLine -replace '^host:\s*', '').Trim()
    switch -Wildcard ($script:Target) {
        'x86_64-pc-windows-msvc' {
            $kind = 'MSVC'
            $vswhere = Join-Path ${env:ProgramFiles(x86)} 'Microsoft Visual Studio\Installer\vswhere.exe'
            $tools = if (Test-Path $vswhere) { & $vswhere -latest -products '*' -requires Microsoft.VisualStudio.Component.VC.Tools.x86.x64 -property installationPath }
            if (-not $tools) { Stop-With "The linker is missing. Install Visual Studio's Build Tools with `"Desktop development with C++`"." }
        }
        'x86_64-pc-windows-gnu*' {
            $kind = 'MINGW'
            foreach ($tool in 'gcc', 'windres') {
                if (-not (Find-Program $tool)) { Stop-With "$tool is missing. Install MSYS2 and mingw-w64-x86_64-toolchain, and put its bin folder on the PATH." }
            }
        }
        default { Stop-With "Genlock is built for 64-bit Intel and AMD processors, and this Rust builds for $($script:Target)." }
    }
    $variable = "GSTREAMER_1_0_ROOT_${kind}_X86_64"
    $root = [Environment]::GetEnvironmentVariable($variable)
    if (-not $root) { Stop-With "$variable is not set. Install GStreamer 1.28 for $kind from https://gstreamer.freedesktop.org/download: runtime and development installer, complete." }
    $script:GStreamer = $root.TrimEnd('\')
    $config = Join-Path $script:GStreamer 'lib\pkgconfig'
    if (-not (Test-Path (Join-Path $config 'gstreamer-1.0.pc'))) { Stop-With "$config has no gstreamer-1.0.pc: GStreamer's development installer is missing." }
    # Both its DLLs and its pkg-config come before anything else of that name.
    $env:PATH = (Join-Path $script:GStreamer 'bin') + ';' + $env:PATH
    $env:PKG_CONFIG_PATH = $config
    if (-not (Find-Program 'pkg-config')) { Stop-With "pkg-config is missing in $($script:GStreamer)\bin: install GStreamer's development installer with everything in it." }
    Say "Rust for $($script:Target), GStreamer in $($script:GStreamer)"
}

function Invoke-Package {
    $python = Find-Program 'python'
    if (-not $python) { Stop-With 'Python 3 is missing: https://python.org.' }
    $makensis = @((Join-Path ${env:ProgramFiles(x86)} 'NSIS\makensis.exe'), (Join-Path $env:ProgramFiles 'NSIS\makensis.exe')) | Where-Object { Test-Path $_ } | Select-Object -First 1
    if (-not $makensis) { Stop-With 'NSIS is missing: https://nsis.sourceforge.io, version 3.08 or newer.' }
    $scripts = Join-Path $PSScriptRoot 'packaging\windows'
    $out = Join-Path $PSScriptRoot 'out\windows'
    $folder = Join-Path $out 'Genlock'
    $built = Join-Path $PSScriptRoot 'target\release'
    if ($env:CARGO_TARGET_DIR) { $built = Join-Path $env:CARGO_TARGET_DIR 'release' }
    $version = (Select-String -Path 'Cargo.toml' -Pattern '^version = "(.+)"' | Select-Object -First 1).Matches[0].Groups[1].Value
    if (Test-Path $out) { Remove-Item $out -Recurse -Force }
    New-Item $out -ItemType Directory | Out-Null
    $programs = @("$built\genlock.exe", "$built\genlock-studio.exe=Genlock Studio.exe")
    if ($env:GENLOCK_SIGN_COMMAND) { foreach ($name in 'genlock.exe', 'genlock-studio.exe') { Invoke-Program $env:GENLOCK_SIGN_COMMAND @("$built\$name") } }
    Invoke-Program $python.Source @("$scripts\resources.py", "$built\genlock.exe", "$built\genlock-studio.exe", '--version', $version)
    Invoke-Program $python.Source (@("$scripts\bundle.py", '--gstreamer', $script:GStreamer, '--out', $folder) + $programs)
    Invoke-Program $python.Source @("$scripts\licences.py", '--out', "$folder\licences", '--target', $script:Target)
    Invoke-Program $python.Source @("$scripts\files.py", $folder, "$out\files.nsh")
    $kilobytes = [int](((Get-ChildItem $folder -Recurse -File | Measure-Object Length -Sum).Sum) / 1024)
    $installer = "$out\Genlock-$version-setup.exe"
    $numbers = ($version -split '[-+]')[0] + '.0'
    $definitions = @('/V2', "/DVERSION=$version", "/DNUMBERS=$numbers", "/DFILES=$out\files.nsh", "/DOUTPUT=$installer", "/DSIZE_KB=$kilobytes", "/DICON=$PSScriptRoot\assets\icon\genlock.ico")
    if ($env:GENLOCK_SIGN_COMMAND) { $definitions += "/DSIGN_COMMAND=$($env:GENLOCK_SIGN_COMMAND)" }
    Invoke-Program $makensis ($definitions + @("$scripts\installer.nsi"))
    $portable = Join-Path $out "Genlock-$version"
    Copy-Item $folder $portable -Recurse
    Copy-Item (Join-Path $scripts 'portable.txt') $portable
    Compress-Archive -Path $portable -DestinationPath "$out\Genlock-$version-portable.zip"
    Remove-Item $portable -Recurse
    $winget = @("$scripts\winget.py", '--version', $version, '--installer', $installer, '--out', "$out\winget")
    if ($env:GENLOCK_RELEASE_URL) { $winget += @('--url', $env:GENLOCK_RELEASE_URL) }
    Invoke-Program $python.Source $winget
    Say "left in $out"
}

Initialize-Tools
switch ($Command) {
    'check' { Say 'everything that a build needs is here' }
    'build' { Invoke-Program 'cargo' @('build', '--release', '--locked', '-p', 'genlock') }
    'test' {
        if (Find-Program 'cargo-nextest') { Invoke-Program 'cargo' (@('nextest', 'run', '--workspace', '--locked', '--no-fail-fast') + $Rest) }
        else { Invoke-Program 'cargo' (@('test', '--workspace', '--locked') + $Rest) }
    }
    'package' {
        Invoke-Program 'cargo' @('build', '--release', '--locked', '-p', 'genlock')
        Invoke-Package
    }
    'genlock' { Invoke-Program 'cargo' (@('run', '--release', '--locked', '-q', '-p', 'genlock', '--') + $Rest) }
}
