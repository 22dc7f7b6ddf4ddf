"""What the calls of `world.py` send: tables to which a new operation adds its values."""

from typing import Any

from tests.conftest import PASSWORD

LINK = "http://localhost/made"
#: Values that work, by parameter; what is missing here is left out. New operations belong here.
VALUES: dict[str, Any] = {
    "name": "Made",
    "email": "made@example.com",
    "password": PASSWORD,
    "number": "+15550001111",
    "phone": "+15550002222",
    "labels": ["made"],
    "status": True,
    "enabled": True,
    "emailVerification": True,
    "impersonator": True,
    "phoneVerification": True,
    "prefs": {"made": "yes"},
    "secret": "0" * 64,
    "roles": ["made"],
    "scopes": ["users.read"],
    "hostname": "made.example.com",
    "bundleIdentifier": "com.example.made",
    "applicationId": "com.example.made",
    "packageName": "made",
    "packageIdentifierName": "made",
    "userId": "made",
    "keyId": "made",
    "platformId": "made",
    "projectId": "made",
    "databaseId": "made",
    "collectionId": "made",
    "tableId": "made",
    "documentId": "made",
    "rowId": "made",
    "teamId": "made",
    "permissions": ['read("any")'],
    "data": {"title": "Made"},
    "size": 100,
    "required": False,
    "type": "key",
    "attributes": ["title"],
    "columns": ["title"],
    "membershipId": "made",
    "clientId": "made",
    "clientSecret": "made",
    "serviceId": "made",
    "p8File": "made",
    "applicationSecret": "made",
    "idToken": "e30.e30.e30",
    "wellKnownURL": "https://id.example.com",
    "key": "made",
    "elements": ["a", "b"],
    "passwordSalt": "c2FsdHNhbHQ=",
    "passwordSaltSeparator": "Bw==",
    "passwordSignerKey": "A" * 86 + "==",
    "passwordCpu": 16,
    "passwordMemory": 8,
    "passwordParallel": 1,
    "passwordLength": 64,
    "duration": 600,
    "mfa": True,
    "factor": "recoverycode",
    "challengeId": "unknown",
    "passkeyId": "made",
    "credential": {},
    "rpId": "example.com",
    "otp": "000000",
    "value": 1,
    "total": 5,
    "targetId": "made",
    "providerType": "push",
    "identifier": "made",
    "numbers": [{"phone": "+15550003333", "otp": "000000"}],
    "emails": ["made@example.com"],
    "documents": [{"$id": "made", "title": "Made"}],
    "rows": [{"$id": "made", "title": "Made"}],
}
#: What can be done once, and is done in this world.
DONE_BEFORE = {"account.createMFARecoveryCodes", "users.createMFARecoveryCodes"}
#: What differs for one operation.
SPECIAL: dict[str, dict[str, Any]] = {
    "databases.createQuery": {"total": True},
    "tablesDB.createQuery": {"total": True},
    "account.createIdTokenSession": {"provider": "google"},
    "account.createEmailPasswordSession": {"email": "{userId}@example.com"},
    "projects.createProject": {"teamId": "{ownersId}"},
    "projects.updateTeam": {"teamId": "{ownersId}"},
    "projects.createPlatform": {"type": "web"},
    "account.updatePassword": {"password": f"{PASSWORD}!", "oldPassword": PASSWORD},
    "account.updateStatus": {"status": False},
    "account.createMagicURLToken": {"url": LINK},
    "account.createEmailVerification": {"url": LINK},
    "account.createVerification": {"url": LINK},
    "account.createRecovery": {"url": LINK},
    "databases.createCollection": {"attributes": []},
    "tablesDB.createTable": {"columns": []},
    "databases.updateTransaction": {"commit": True},
    "tablesDB.updateTransaction": {"commit": True},
    "databases.createOperations": {
        "operations": [
            {
                "action": "update",
                "databaseId": "{databaseId}",
                "collectionId": "{collectionId}",
                "documentId": "{documentId}",
                "data": {"title": "Made"},
            }
        ]
    },
    "tablesDB.createOperations": {
        "operations": [
            {
                "action": "create",
                "databaseId": "{databaseId}",
                "tableId": "{tableId}",
                "rowId": "made",
                "data": {"title": "Made"},
            }
        ]
    },
    "databases.createRelationshipAttribute": {
        "type": "oneToMany",
        "relatedCollectionId": "{collectionId}",
    },
    "tablesDB.createRelationshipColumn": {"type": "oneToMany", "relatedTableId": "{tableId}"},
    "project.updateSMTP": {"enabled": False},
    "project.updateEmailTemplate": {"templateId": "otpSession"},
    "projects.deleteProjectsProjectIdTemplatesEmail": {"type": "recovery"},
    "project.updateMembershipPrivacyPolicy": {"userId": True},
    "project.updatePasswordStrengthPolicy": {"number": True},
    "teams.createMembership": {"userId": "", "phone": ""},
    "users.createArgon2User": {"password": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43},
    "users.createBcryptUser": {"password": "$2y$04$" + "A" * 53},
    "users.createMD5User": {"password": "0" * 32},
    "users.createPHPassUser": {"password": "$P$5" + "A" * 30},
    "users.createSHAUser": {"password": "0" * 128},
    "users.createScryptUser": {"password": "0" * 128},
    "users.createScryptModifiedUser": {"password": "A" * 86 + "=="},
}
#: What an attribute of a type asks for beyond its key.
ATTRIBUTE_EXTRAS: dict[str, dict[str, Any]] = {
    "string": {"size": 100},
    "varchar": {"size": 100},
    "enum": {"elements": ["a", "b"]},
}
