; The installer: for one person, without an administrator. Run by package.sh, which defines
;   VERSION  NUMBERS (four numbers)  FOLDER (what is installed)  FILES (list made by package.sh)  OUTPUT  SIZE_KB  ICON
;   QUICK (optional): packs in seconds, and larger
;   SIGN_COMMAND (optional): called with each file that is to be signed
;
; Setup.exe [/S] [/D=FOLDER]; /S asks nothing. Exit codes: 0 done, 1 cancelled, 2 failed, 3 Genlock is running.
Unicode true
Target amd64-unicode
RequestExecutionLevel user
!ifdef QUICK
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
  SetCompressorDictSize 64
!endif
ManifestDPIAware true
ManifestSupportedOS Win10

!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh

!define NAME "Genlock"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define APP_PATH_KEY "Software\Microsoft\Windows\CurrentVersion\App Paths\genlock.exe"
!define RUNNING 3

Name "${NAME} ${VERSION}"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
; An update goes where the earlier version is.
InstallDirRegKey HKCU "${UNINSTALL_KEY}" "InstallLocation"
BrandingText "${NAME} ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} Setup"
VIAddVersionKey "CompanyName" "The Genlock authors"
VIAddVersionKey "LegalCopyright" "The Genlock authors. MIT or Apache-2.0."

!ifdef SIGN_COMMAND
  !finalize '${SIGN_COMMAND} "%1"' = 0
  !uninstfinalize '${SIGN_COMMAND} "%1"' = 0
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\Genlock Studio.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Open Genlock"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Windows lets nobody write to a program that runs, so that opening it tells whether it does, whoever started it.
!macro REFUSE_WHILE_RUNNING
  ${Do}
    StrCpy $1 ""
    ${If} ${FileExists} "$INSTDIR\genlock.exe"
      ClearErrors
      FileOpen $0 "$INSTDIR\genlock.exe" a
      ${If} ${Errors}
        StrCpy $1 "running"
      ${Else}
        FileClose $0
      ${EndIf}
    ${EndIf}
    ${If} $1 == ""
      ${ExitDo}
    ${EndIf}
    ${If} ${Silent}
      SetErrorLevel ${RUNNING}
      Quit
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Genlock is running, and may be live.$\r$\n$\r$\nEnd the stream, close Genlock, then press Retry." /SD IDCANCEL IDRETRY +3
    SetErrorLevel ${RUNNING}
    Quit
  ${Loop}
!macroend

Section "Genlock"
  !insertmacro REFUSE_WHILE_RUNNING

  ; An earlier version takes away exactly what it brought, and leaves settings, recordings and added plugins.
  ReadRegStr $2 HKCU "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $2 != ""
  ${AndIf} ${FileExists} "$2\Uninstall.exe"
    ; _?= keeps the uninstaller where it is, so that its end can be waited for.
    ExecWait '"$2\Uninstall.exe" /S /UPDATE _?=$2' $3
    ${If} $3 <> 0
      SetErrorLevel 2
      MessageBox MB_OK|MB_ICONSTOP "The earlier version could not be removed from $2. Nothing was changed after that.$\r$\n$\r$\nStart Windows again, then this program." /SD IDOK
      Quit
    ${EndIf}
    Delete "$2\Uninstall.exe"
    RMDir "$2"
  ${EndIf}

  ClearErrors
  !define INSTALL
  !include "${FILES}"
  !undef INSTALL
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\Uninstall.exe"
  ${If} ${Errors}
    SetErrorLevel 2
    MessageBox MB_OK|MB_ICONSTOP "Genlock could not be copied to $INSTDIR. Is there room on the disk?" /SD IDOK
    Quit
  ${EndIf}

  CreateShortCut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\Genlock Studio.exe" "" "$INSTDIR\genlock.exe" 0 SW_SHOWNORMAL "" "Go live on Amazon IVS"

  WriteRegStr HKCU "${APP_PATH_KEY}" "" "$INSTDIR\genlock.exe"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\genlock.exe,0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "The Genlock authors"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\Uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\Uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
  SetErrorLevel 0
SectionEnd

Section "Uninstall"
  !insertmacro REFUSE_WHILE_RUNNING

  !define UNINSTALL
  !include "${FILES}"
  !undef UNINSTALL

  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/UPDATE" $1
  ${If} ${Errors}
    Delete "$SMPROGRAMS\${NAME}.lnk"
    DeleteRegKey HKCU "${APP_PATH_KEY}"
    DeleteRegKey HKCU "${UNINSTALL_KEY}"
    ; What GStreamer knew about our plugins.
    Delete "$LOCALAPPDATA\${NAME}\gstreamer-registry.bin"
    ; Silence means no.
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Delete your scenes and settings too?$\r$\n$\r$\nYour recordings stay either way." /SD IDNO IDNO keep
      RMDir /r "$APPDATA\${NAME}"
      RMDir /r "$LOCALAPPDATA\${NAME}"
    keep:
    Delete "$INSTDIR\Uninstall.exe"
    ; Only if empty: whatever a person put there, such as plugins-extra, is theirs.
    RMDir "$LOCALAPPDATA\${NAME}"
    RMDir "$INSTDIR"
  ${EndIf}
  SetErrorLevel 0
SectionEnd
