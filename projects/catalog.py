"""Fixed lists of the public API: services, protocols, ways to sign in, policies, platform types."""

from kernel.policies import POLICY_DEFAULTS

SERVICES = (
    "account",
    "avatars",
    "databases",
    "tablesdb",
    "locale",
    "health",
    "project",
    "storage",
    "teams",
    "users",
    "vcs",
    "sites",
    "functions",
    "proxy",
    "graphql",
    "migrations",
    "messaging",
    "advisor",
    "oauth2",
)
PROTOCOLS = ("rest", "graphql", "websocket")
AUTH_METHODS = (
    "email-password",
    "magic-url",
    "email-otp",
    "anonymous",
    "invites",
    "jwt",
    "phone",
    "passkey",
)
#: The policies that are columns of a project: their one field, and the column.
POLICY_COLUMNS = {
    "session-duration": ("duration", "session_seconds"),
    "session-limit": ("total", "session_limit"),
    "user-limit": ("total", "user_limit"),
}
POLICIES = (*POLICY_DEFAULTS, *POLICY_COLUMNS)
LOCALHOST = "localhost"
WEB, APPLE, ANDROID, LINUX, WINDOWS = "web", "apple", "android", "linux", "windows"
#: The public name of each platform type's identifier; the web has a hostname instead.
IDENTIFIERS = {
    APPLE: "bundleIdentifier",
    ANDROID: "applicationId",
    LINUX: "packageName",
    WINDOWS: "packageIdentifierName",
}
#: The types of older clients, and what they are called now.
PLATFORM_TYPES = {
    WEB: WEB,
    "flutter-web": WEB,
    "unity": WEB,
    APPLE: APPLE,
    "apple-ios": APPLE,
    "apple-macos": APPLE,
    "apple-watchos": APPLE,
    "apple-tvos": APPLE,
    "flutter-ios": APPLE,
    "flutter-macos": APPLE,
    "react-native-ios": APPLE,
    ANDROID: ANDROID,
    "flutter-android": ANDROID,
    "react-native-android": ANDROID,
    LINUX: LINUX,
    "flutter-linux": LINUX,
    WINDOWS: WINDOWS,
    "flutter-windows": WINDOWS,
}
