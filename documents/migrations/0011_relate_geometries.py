from django.db import migrations

CREATE = r"""
-- Geometries are the lists of the API: a point [x, y], a line of points, a polygon of closed rings.
CREATE FUNCTION document_geometry_dimension(shape jsonb) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE 'number'
    WHEN jsonb_typeof(shape -> 0) THEN 0
    WHEN jsonb_typeof(shape -> 0 -> 0) THEN 1
    ELSE 2
END;

-- The corners, as x, y, x, y, ...
CREATE FUNCTION document_geometry_box(shape jsonb) RETURNS box
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT box(point(min(x), min(y)), point(max(x), max(y)))
    FROM (
        SELECT (p ->> 0)::float8 AS x, (p ->> 1)::float8 AS y
        FROM jsonb_path_query(shape, CASE document_geometry_dimension(shape)
            WHEN 0 THEN '$' WHEN 1 THEN '$[*]' ELSE '$[*][*]' END::jsonpath) AS p
    ) corners
);

-- The straight pieces, as [x1, y1, x2, y2] each; a point is a piece without length.
CREATE FUNCTION document_geometry_pieces(shape jsonb) RETURNS float8[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT array_agg(ARRAY[x1, y1, x2, y2] ORDER BY ring, place)
    FROM (
        SELECT ring, place,
            x AS x1, y AS y1, lead(x) OVER w AS x2, lead(y) OVER w AS y2
        FROM jsonb_array_elements(CASE document_geometry_dimension(shape)
            WHEN 0 THEN jsonb_build_array(jsonb_build_array(shape, shape))
            WHEN 1 THEN jsonb_build_array(shape) ELSE shape END
        ) WITH ORDINALITY AS rings (points, ring),
        jsonb_array_elements(points) WITH ORDINALITY AS corners (p, place),
        -- Rounded, for products of what is left never to be too small for a float.
        LATERAL (
            SELECT round((p ->> 0)::numeric, 12)::float8, round((p ->> 1)::numeric, 12)::float8
        ) AS rounded (x, y)
        WINDOW w AS (PARTITION BY ring ORDER BY place)
    ) pieces
    WHERE x2 IS NOT NULL
);

-- Where a place lies: 1 in the interior, 2 on the boundary, 3 outside. A boundary of a line are its
-- ends, unless it is closed. What is nearer than a tenth of a millimetre is on.
CREATE FUNCTION document_geometry_locate(x float8, y float8, dimension int, pieces float8[])
RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
    near CONSTANT float8 := 1e-9;
    last CONSTANT int := array_upper(pieces, 1);
    piece float8[];
    inside boolean := false;
    dx float8; dy float8; size float8;
BEGIN
    IF dimension = 1 AND (abs(pieces[1][1] - pieces[last][3]) > near
        OR abs(pieces[1][2] - pieces[last][4]) > near)
        AND ((abs(pieces[1][1] - x) <= near AND abs(pieces[1][2] - y) <= near)
            OR (abs(pieces[last][3] - x) <= near AND abs(pieces[last][4] - y) <= near))
    THEN
        RETURN 2;
    END IF;
    FOREACH piece SLICE 1 IN ARRAY pieces LOOP
        IF x BETWEEN least(piece[1], piece[3]) - near AND greatest(piece[1], piece[3]) + near
            AND y BETWEEN least(piece[2], piece[4]) - near AND greatest(piece[2], piece[4]) + near
        THEN
            dx := piece[3] - piece[1];
            dy := piece[4] - piece[2];
            size := sqrt(dx * dx + dy * dy);
            IF abs(dx * (y - piece[2]) - dy * (x - piece[1])) <= near * greatest(size, near) THEN
                RETURN CASE WHEN dimension = 2 THEN 2 ELSE 1 END;
            END IF;
        END IF;
        IF (piece[2] > y) <> (piece[4] > y) AND
            x < piece[1] + (y - piece[2]) / (piece[4] - piece[2]) * (piece[3] - piece[1])
        THEN
            inside := NOT inside;
        END IF;
    END LOOP;
    RETURN CASE WHEN dimension = 2 AND inside THEN 1 ELSE 3 END;
END
$body$;

-- A geometry as GeoJSON, for PostGIS; where that is installed, it does the work.
CREATE FUNCTION document_geometry_json(shape jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN jsonb_build_object(
    'type', (ARRAY['Point', 'LineString', 'Polygon'])[document_geometry_dimension(shape) + 1],
    'coordinates', shape
);

-- How two geometries lie to each other, as the nine characters of the DE-9IM (OGC 06-103r4, 6.1.15):
-- the dimension, or F for none, of what the interior, boundary and outside of the one have in common
-- with those of the other.
CREATE FUNCTION document_geometry_relation(one jsonb, other jsonb) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    near CONSTANT float8 := 1e-9;
    step CONSTANT float8 := 1e-6;
    dimensions int[] := ARRAY[document_geometry_dimension(one), document_geometry_dimension(other)];
    mine float8[]; theirs float8[];
    found int[] := ARRAY[-1, -1, -1, -1, -1, -1, -1, -1, 2];
    piece float8[]; cut float8[];
    cuts float8[];
    side int; here int; there int; cell int;
    dx float8; dy float8; ex float8; ey float8; d float8; t float8; size float8;
    x float8; y float8; before float8;
BEGIN
    IF to_regtype('geometry') IS NOT NULL THEN
        RETURN (
            SELECT ST_Relate(shapes[1], shapes[2]) FROM (
                SELECT array_agg(CASE WHEN dimensions[place] < 2 OR ST_IsValid(shape) THEN shape
                    ELSE ST_CollectionExtract(ST_MakeValid(shape), 3) END ORDER BY place) AS shapes
                FROM unnest(ARRAY[
                    ST_GeomFromGeoJSON(document_geometry_json(one)),
                    ST_GeomFromGeoJSON(document_geometry_json(other))
                ]) WITH ORDINALITY AS both_shapes (shape, place)
            ) valid
        );
    END IF;
    FOR side IN 1..2 LOOP
        mine := document_geometry_pieces(CASE side WHEN 1 THEN one ELSE other END);
        theirs := document_geometry_pieces(CASE side WHEN 1 THEN other ELSE one END);
        IF dimensions[side] = 2 AND dimensions[3 - side] < 2 THEN
            cell := CASE side WHEN 1 THEN 3 ELSE 7 END;
            found[cell] := 2;
        END IF;
        FOREACH piece SLICE 1 IN ARRAY mine LOOP
            dx := piece[3] - piece[1];
            dy := piece[4] - piece[2];
            size := sqrt(dx * dx + dy * dy);
            cuts := ARRAY[0.0, 1.0];
            IF size > near THEN
                FOREACH cut SLICE 1 IN ARRAY theirs LOOP
                    CONTINUE WHEN least(cut[1], cut[3]) > greatest(piece[1], piece[3]) + near
                        OR greatest(cut[1], cut[3]) < least(piece[1], piece[3]) - near
                        OR least(cut[2], cut[4]) > greatest(piece[2], piece[4]) + near
                        OR greatest(cut[2], cut[4]) < least(piece[2], piece[4]) - near;
                    ex := cut[3] - cut[1];
                    ey := cut[4] - cut[2];
                    d := dx * ey - dy * ex;
                    IF abs(d) > 1e-24 THEN
                        t := ((cut[1] - piece[1]) * ey - (cut[2] - piece[2]) * ex) / d;
                        IF t > 0 AND t < 1 THEN cuts := cuts || t; END IF;
                    END IF;
                    FOR i IN 0..1 LOOP
                        t := ((cut[2 * i + 1] - piece[1]) * dx + (cut[2 * i + 2] - piece[2]) * dy)
                            / (size * size);
                        IF t > 0 AND t < 1 THEN cuts := cuts || t; END IF;
                    END LOOP;
                END LOOP;
            END IF;
            before := NULL;
            FOR t IN SELECT c FROM unnest(cuts) AS c ORDER BY c LOOP
                -- The piece up to here, then the place itself.
                IF before IS NOT NULL AND (t - before) * size > near THEN
                    x := piece[1] + dx * (before + t) / 2;
                    y := piece[2] + dy * (before + t) / 2;
                    here := CASE dimensions[side] WHEN 2 THEN 2 ELSE 1 END;
                    there := document_geometry_locate(x, y, dimensions[3 - side], theirs);
                    cell := CASE side WHEN 1 THEN 3 * here + there ELSE 3 * there + here END - 3;
                    found[cell] := greatest(found[cell], 1);
                    IF dimensions[1] = 2 AND dimensions[2] = 2 THEN
                        -- What areas share shows beside their boundaries.
                        d := least(step, (t - before) * size / 10) / size;
                        FOR i IN 0..1 LOOP
                            ex := x - dy * d * (2 * i - 1);
                            ey := y + dx * d * (2 * i - 1);
                            here := document_geometry_locate(ex, ey, 2, mine);
                            there := document_geometry_locate(ex, ey, 2, theirs);
                            IF here <> 2 AND there <> 2 THEN
                                cell := CASE side WHEN 1 THEN 3 * here + there
                                    ELSE 3 * there + here END - 3;
                                found[cell] := 2;
                            END IF;
                        END LOOP;
                    END IF;
                END IF;
                before := CASE WHEN before IS NULL OR (t - before) * size > near
                    THEN t ELSE before END;
                x := piece[1] + dx * t;
                y := piece[2] + dy * t;
                here := document_geometry_locate(x, y, dimensions[side], mine);
                there := document_geometry_locate(x, y, dimensions[3 - side], theirs);
                cell := CASE side WHEN 1 THEN 3 * here + there ELSE 3 * there + here END - 3;
                found[cell] := greatest(found[cell], 0);
            END LOOP;
        END LOOP;
    END LOOP;
    RETURN replace(array_to_string(found, ''), '-1', 'F');
END
$body$;

-- Whether a relation of the API holds between two geometries.
CREATE FUNCTION document_geometry_holds(method text, one jsonb, other jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 AS $body$
DECLARE
    mine CONSTANT int := document_geometry_dimension(one);
    theirs CONSTANT int := document_geometry_dimension(other);
    relation CONSTANT text := document_geometry_relation(one, other);
    is_together CONSTANT boolean := relation NOT LIKE 'FF_FF____';
    is_inside CONSTANT boolean := relation NOT LIKE 'F%';
BEGIN
    RETURN CASE method
        WHEN 'intersects' THEN is_together
        WHEN 'touches' THEN is_together AND NOT is_inside
        WHEN 'covers' THEN is_together AND relation LIKE '______FF_'
        WHEN 'contains' THEN is_inside AND relation LIKE '______FF_'
        WHEN 'equals' THEN is_inside AND relation LIKE '__F__FFF_'
        WHEN 'crosses' THEN CASE
            WHEN mine = 1 AND theirs = 1 THEN relation LIKE '0%'
            WHEN mine < theirs THEN is_inside AND relation NOT LIKE '__F%'
            WHEN mine > theirs THEN is_inside AND relation NOT LIKE '______F%'
            ELSE false
        END
        WHEN 'overlaps' THEN mine = theirs AND relation NOT LIKE '__F%'
            AND relation NOT LIKE '______F%'
            AND CASE mine WHEN 1 THEN relation LIKE '1%' ELSE is_inside END
    END;
END
$body$;

-- The angle between two places on a sphere, by the haversine formula.
CREATE FUNCTION document_geometry_arc(x1 float8, y1 float8, x2 float8, y2 float8)
RETURNS float8 LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 2 * asin(least(1, sqrt(sin(radians(y2 - y1) / 2) ^ 2
    + cos(radians(y1)) * cos(radians(y2)) * sin(radians(x2 - x1) / 2) ^ 2)));

CREATE FUNCTION document_geometry_vector(x float8, y float8) RETURNS float8[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[cosd(y) * cosd(x), cosd(y) * sind(x), sind(y)];

CREATE FUNCTION document_geometry_cross(a float8[], b float8[]) RETURNS float8[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1]];

CREATE FUNCTION document_geometry_dot(a float8[], b float8[]) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN a[1] * b[1] + a[2] * b[2] + a[3] * b[3];

-- How far a place is from a straight piece: in degrees as on a plane, or in metres along great
-- circles of a sphere with the mean radius of the earth.
CREATE FUNCTION document_geometry_gap(x float8, y float8, piece float8[], in_metres boolean)
RETURNS float8 LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    radius CONSTANT float8 := 6371008.7714150598;
    dx CONSTANT float8 := piece[3] - piece[1];
    dy CONSTANT float8 := piece[4] - piece[2];
    size CONSTANT float8 := dx * dx + dy * dy;
    place float8[]; one float8[]; other float8[]; pole float8[];
    t float8; length float8; least_gap float8;
BEGIN
    IF NOT in_metres THEN
        t := CASE WHEN size = 0 THEN 0
            ELSE greatest(0, least(1, ((x - piece[1]) * dx + (y - piece[2]) * dy) / size)) END;
        RETURN sqrt((x - piece[1] - t * dx) ^ 2 + (y - piece[2] - t * dy) ^ 2);
    END IF;
    least_gap := radius * document_geometry_arc(x, y, piece[1], piece[2]);
    IF size = 0 THEN
        RETURN least_gap;
    END IF;
    least_gap := least(least_gap, radius * document_geometry_arc(x, y, piece[3], piece[4]));
    place := document_geometry_vector(x, y);
    one := document_geometry_vector(piece[1], piece[2]);
    other := document_geometry_vector(piece[3], piece[4]);
    -- As (one - other) x (one + other), which is exact where they are near each other.
    pole := document_geometry_cross(
        ARRAY[one[1] - other[1], one[2] - other[2], one[3] - other[3]],
        ARRAY[one[1] + other[1], one[2] + other[2], one[3] + other[3]]);
    length := sqrt(document_geometry_dot(pole, pole));
    IF length > 1e-15
        AND document_geometry_dot(place, document_geometry_cross(pole, one)) >= 0
        AND document_geometry_dot(place, document_geometry_cross(other, pole)) >= 0
    THEN
        RETURN least(least_gap,
            radius * asin(least(1, abs(document_geometry_dot(place, pole)) / length)));
    END IF;
    RETURN least_gap;
END
$body$;

-- How far geometries are from each other.
CREATE FUNCTION document_geometry_distance(one jsonb, other jsonb, in_metres boolean)
RETURNS float8 LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 AS $body$
DECLARE
    pieces CONSTANT float8[] := document_geometry_pieces(one);
    cuts CONSTANT float8[] := document_geometry_pieces(other);
    piece float8[]; cut float8[];
    shortest float8 := 'Infinity';
BEGIN
    -- The geographies of PostGIS refuse some edges, and take them to meet elsewhere than relations do.
    IF NOT in_metres AND to_regtype('geometry') IS NOT NULL THEN
        RETURN ST_Distance(ST_GeomFromGeoJSON(document_geometry_json(one)),
            ST_GeomFromGeoJSON(document_geometry_json(other)));
    END IF;
    IF document_geometry_dimension(one) + document_geometry_dimension(other) = 0 THEN
        RETURN document_geometry_gap(pieces[1][1], pieces[1][2],
            ARRAY[cuts[1][1], cuts[1][2], cuts[1][1], cuts[1][2]], in_metres);
    END IF;
    IF document_geometry_holds('intersects', one, other) THEN
        RETURN 0;
    END IF;
    FOREACH piece SLICE 1 IN ARRAY pieces LOOP
        FOREACH cut SLICE 1 IN ARRAY cuts LOOP
            shortest := least(shortest,
                document_geometry_gap(piece[1], piece[2], cut, in_metres),
                document_geometry_gap(piece[3], piece[4], cut, in_metres),
                document_geometry_gap(cut[1], cut[2], piece, in_metres),
                document_geometry_gap(cut[3], cut[4], piece, in_metres));
        END LOOP;
    END LOOP;
    RETURN shortest;
END
$body$;
"""
DROP = """
DROP FUNCTION document_geometry_distance(jsonb, jsonb, boolean);
DROP FUNCTION document_geometry_gap(float8, float8, float8[], boolean);
DROP FUNCTION document_geometry_dot(float8[], float8[]);
DROP FUNCTION document_geometry_cross(float8[], float8[]);
DROP FUNCTION document_geometry_vector(float8, float8);
DROP FUNCTION document_geometry_arc(float8, float8, float8, float8);
DROP FUNCTION document_geometry_holds(text, jsonb, jsonb);
DROP FUNCTION document_geometry_relation(jsonb, jsonb);
DROP FUNCTION document_geometry_json(jsonb);
DROP FUNCTION document_geometry_locate(float8, float8, int, float8[]);
DROP FUNCTION document_geometry_pieces(jsonb);
DROP FUNCTION document_geometry_box(jsonb);
DROP FUNCTION document_geometry_dimension(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0010_note_changes_of_collections")]

    operations = [migrations.RunSQL(CREATE, DROP)]
