"""What one socket may take: counts, bytes, seconds."""

CONNECTS_PER_WINDOW = 128
MESSAGES_PER_WINDOW = 32
RATE_WINDOW_SECONDS = 60

MAX_FRAME_BYTES = 64 * 1024
MAX_SECRET_LENGTH = 2048
MAX_CHANNEL_LENGTH = 512
#: Subscriptions, and different channels, of one connection.
MAX_SUBSCRIPTIONS = 256
MAX_CHANNELS = 512
MAX_QUERIES = 100
MAX_URL_PARAMETERS = 2000

#: Frames and bytes that wait for a slow reader before it is sent away.
MAX_QUEUED_FRAMES = 256
MAX_QUEUED_BYTES = 4 * 1024 * 1024
#: A reader that takes nothing for so long after its close frame is cut off.
CLOSE_SECONDS = 5.0

#: Events that wait for the hub before it asks every socket to come again.
MAX_WAITING_EVENTS = 10_000

#: Subscriptions with a cursor that one frame, or the address of a connection, asks for.
MAX_CURSORS_PER_FRAME = 8
#: Events that a subscription with a cursor is told of before it goes live, and bytes of those that
#: all such subscriptions of a connection wait for; who missed more reads the list anew.
MAX_REPLAYED_EVENTS = 2000
MAX_REPLAYED_BYTES = 16 * 1024 * 1024
#: Live events that wait until such a subscription has caught up, and those remembered as told.
MAX_HELD_EVENTS = 1000
MAX_KNOWN_EVENTS = 5000

#: Threads that ask the database on behalf of sockets.
DATABASE_THREADS = 3
#: A changed identity is looked up so soon, and decided on at the latest so soon.
IDENTITY_DELAY_SECONDS = 0.1
IDENTITY_DEADLINE_SECONDS = 0.8
#: Every signed-in socket's identity is looked up again so often, since sessions and JWTs expire.
IDENTITY_REFRESH_SECONDS = 60.0
