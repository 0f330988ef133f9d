; Inno Setup: the Windows installer, from dist\busi-viewer as PyInstaller made it.
; iscc /DVersion=0.1.0 packaging\windows.iss  →  dist\busi-viewer-0.1.0-setup.exe

[Setup]
AppId={{6E0B6B3B-7C52-4D0B-9C3C-3B1D6F0B6A57}
AppName=busi_viewer
AppVersion={#Version}
AppPublisher=The busi_viewer authors
AppComments=Research use only
DefaultDirName={autopf}\busi_viewer
DefaultGroupName=busi_viewer
DisableProgramGroupPage=yes
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\LICENSE
OutputDir=..\dist
OutputBaseFilename=busi-viewer-{#Version}-setup
UninstallDisplayIcon={app}\busi-viewer-window.exe
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern

[Files]
Source: "..\dist\busi-viewer\*"; DestDir: "{app}"; Flags: recursesubdirs createallsubdirs ignoreversion

[Icons]
Name: "{group}\busi_viewer"; Filename: "{app}\busi-viewer-window.exe"
Name: "{autodesktop}\busi_viewer"; Filename: "{app}\busi-viewer-window.exe"; Tasks: desktop

[Tasks]
Name: desktop; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[Run]
Filename: "{app}\busi-viewer-window.exe"; Description: "{cm:LaunchProgram,busi_viewer}"; Flags: nowait postinstall skipifsilent
