"""The rows of product-catalogue.xlsx: parts named elsewhere in the corpus by hand, series of sizes by rule.

Numbers that differ by two swapped digits are on purpose: they are what dense retrieval confuses.
"""

from collections.abc import Iterator

Row = tuple[str, str, str, str, float, float, int, str]

COLUMNS = ("SKU", "Article", "Fits", "Material", "Weight kg", "List price EUR", "Lead time days", "Warranty class")

SETS: list[Row] = [
    ("41-4020-A", "Booster set HX 40-2", "PC-300 or PC-450", "1.4404", 248, 9870, 15, "A"),
    ("41-4030-A", "Booster set HX 40-3", "PC-300 or PC-450", "1.4404", 311, 12340, 15, "A"),
    ("41-6020-A", "Booster set HX 60-2", "PC-300 or PC-450", "1.4404", 297, 11480, 15, "A"),
    ("41-6035-A", "Booster set HX 60-3", "PC-450", "1.4404", 372, 14960, 20, "A"),
    ("41-6035-B", "Booster set HX 60-3, 3 x 230 V", "PC-450", "1.4404", 375, 15320, 30, "A"),
    ("41-6053-A", "Single pump VX 60 for HX 60-3", "HX 60-3", "1.4404", 71, 2980, 5, "B"),
    ("41-8030-A", "Booster set HX 80-3", "PC-450", "1.4404", 431, 17250, 20, "A"),
    ("41-8040-A", "Booster set HX 80-4", "PC-450", "1.4404", 498, 20110, 20, "A"),
    ("41-1230-A", "Booster set HX 120-3", "PC-450", "1.4404", 586, 23790, 30, "A"),
    ("41-1240-A", "Booster set HX 120-4", "PC-450", "1.4404", 655, 27460, 30, "A"),
]

CONTROLS: list[Row] = [
    ("52-3001-C", "Controller PC-300", "HX 40, HX 60-2", "-", 4.2, 1180, 0, "B"),
    ("52-4501-D", "Controller PC-450", "all HX", "-", 5.6, 1940, 0, "B"),
    ("52-4510-D", "Controller PC-450, overhauled exchange unit", "all HX", "-", 5.6, 890, 0, "D"),
    ("52-4417-A", "Discharge pressure sensor 0 to 16 bar (replaced by 52-4419-B)", "all HX", "1.4404", 0.3, 146, 0, "B"),
    ("52-4419-B", "Discharge pressure sensor 0 to 16 bar", "all HX", "1.4404", 0.3, 152, 0, "B"),
    ("52-4491-B", "Suction pressure sensor -1 to 10 bar", "all HX", "1.4404", 0.3, 149, 0, "B"),
    ("52-4471-R", "Retrofit kit converter generation 2", "HX up to week 14/2020", "-", 9.8, 1365, 10, "C"),
    ("52-4417-R", "Retrofit kit Modbus card", "PC-300", "-", 0.2, 318, 5, "C"),
    ("52-2207-A", "Service adapter for PC-300", "PC-300", "-", 0.4, 264, 0, "B"),
    ("52-2270-A", "Service cable for PC-450, 2 m", "PC-450", "-", 0.2, 58, 0, "B"),
    ("52-6120-A", "Termination resistor 120 ohm, set of two", "internal bus", "-", 0.1, 14.5, 0, "W"),
    ("52-6210-A", "Bus cable for converters, 5 m, shielded", "internal bus", "-", 0.6, 47, 0, "B"),
]

ACCESSORIES: list[Row] = [
    ("67-3310-A", "Seal for sensor connector M12, pack of five", "52-4419-B, 52-4491-B", "EPDM", 0.1, 9.8, 0, "W"),
    ("67-3301-A", "Sensor cable M12, 3 m", "52-4419-B, 52-4491-B", "PUR", 0.2, 31, 0, "B"),
    ("67-4120-B", "Surge arrester DN 50, flanged", "pipework", "1.4571", 11.4, 612, 10, "B"),
    ("67-4210-B", "Expansion joint DN 50, flanged", "pipework", "EPDM", 3.9, 138, 5, "W"),
    ("67-4418-A", "Relief valve 16 bar, DN 32, red cap (withdrawn, FSN-2026-03)", "HX 60, HX 80", "CuSn", 1.7, 0, 999, "B"),
    ("67-4481-A", "Relief valve 16 bar, DN 32, green cap", "HX 60, HX 80", "CuSn", 1.7, 187, 2, "B"),
    ("67-4448-A", "Relief valve 10 bar, DN 40", "HX 120", "CuSn", 2.3, 224, 5, "B"),
    ("67-4484-A", "Relief valve 16 bar, DN 25", "HX 40", "CuSn", 1.2, 159, 2, "B"),
    ("67-5010-A", "Nitrogen filling device with gauge", "membrane vessels", "-", 2.8, 236, 5, "B"),
    ("67-5100-A", "Decontamination set for returns", "-", "-", 0.5, 0, 0, "W"),
]

SPARES: list[Row] = [
    ("88-1023-B", "Set of wear rings", "HX 80", "1.4404 / EPDM", 0.9, 118, 0, "W"),
    ("88-1032-A", "Shaft seal kit", "HX 60, process water", "SiC / NBR", 0.6, 129, 5, "W"),
    ("88-1032-B", "Shaft seal kit", "HX 60, drinking water", "SiC / EPDM", 0.6, 143.5, 0, "W"),
    ("88-1032-C", "Shaft seal kit", "HX 60, heating water above 90 °C", "SiC / FKM", 0.6, 176, 10, "W"),
    ("88-1038-B", "Shaft seal kit", "HX 80, drinking water", "SiC / EPDM", 0.7, 158, 0, "W"),
    ("88-1083-B", "Coupling with bolts M10", "HX 80", "GGG 40", 2.4, 204, 2, "B"),
    ("88-1047-B", "Exchange kit discharge sensor with capillary", "all HX", "1.4404 / EPDM", 0.5, 171, 0, "B"),
    ("88-1074-B", "Exchange kit drain valve", "all HX", "CuZn / EPDM", 0.4, 36, 0, "B"),
    ("88-1055-B", "Insert for non-return valve DN 50", "HX 40, HX 60", "POM / EPDM", 0.3, 54, 0, "W"),
    ("88-1065-B", "Insert for non-return valve DN 65", "HX 80, HX 120", "POM / EPDM", 0.4, 67, 0, "W"),
    ("88-1056-B", "Gasket for non-return valve DN 50, pack of ten", "HX 40, HX 60", "EPDM", 0.2, 23, 0, "W"),
    ("88-2114-B", "Fan tray for converter up to 5.5 kW", "generation 2", "-", 0.8, 96, 0, "C"),
    ("88-2141-A", "Fan tray for converter from 7.5 kW", "generation 2", "-", 1.1, 132, 2, "C"),
    ("88-2411-A", "Cover for converter from 7.5 kW", "generation 2", "ABS", 0.7, 44, 5, "B"),
]


def impellers() -> Iterator[Row]:
    """Stages of the vertical pumps: one impeller for each size and trim."""
    for size, base in ((40, 1410), (60, 1460), (80, 1480), (120, 1510)):
        for trim in range(1, 9):
            millimetres = 92 + size // 2 + 4 * trim
            yield (
                f"88-{base + trim}-B",
                f"Impeller trim {trim}, {millimetres} mm",
                f"HX {size}",
                "1.4404 / EPDM",
                round(0.31 + size * 0.004 + trim * 0.03, 2),
                round(41 + size * 0.62 + trim * 3.5, 1),
                0 if trim in (3, 4, 5) else 8,
                "W",
            )


def vessels() -> Iterator[Row]:
    """Membrane vessels by volume and pressure."""
    for i, litres in enumerate((8, 12, 18, 25, 33, 50, 80, 100, 150, 200, 300, 500)):
        for pressure, step in ((10, 0), (16, 5)):
            yield (
                f"67-{7010 + 10 * i + step}-{'A' if litres <= 50 else 'B'}",
                f"Membrane vessel {litres} l, {pressure} bar",
                "HX 120" if pressure == 10 else "HX 40, HX 60, HX 80",
                "steel / butyl",
                round(1.9 + litres * 0.19 + pressure * 0.1, 1),
                round(48 + litres * 2.45 + pressure * 3.2, 0),
                0 if litres <= 50 else 12,
                "B",
            )


def converters() -> Iterator[Row]:
    """Frequency converters by generation and rated power."""
    for generation, revision, base in ((2, "A", 5200), (2, "B", 5250), (3, "A", 5300)):
        for i, power in enumerate(("1.5", "2.2", "3.0", "4.0", "5.5", "7.5", "11", "15")):
            yield (
                f"52-{base + 3 * i + 1}-{revision}",
                f"Frequency converter {power} kW, generation {generation}",
                "motor mounted",
                "-",
                round(3.1 + float(power) * 0.52, 1),
                round(392 + float(power) * 61.5 + generation * 25, 0),
                5 if float(power) < 7 else 15,
                "B",
            )


def seals_and_gaskets() -> Iterator[Row]:
    """Flange gaskets and O-rings by nominal width and elastomer."""
    names = {"A": "NBR", "B": "EPDM", "C": "FKM"}
    for i, width in enumerate((25, 32, 40, 50, 65, 80, 100, 125)):
        for letter, material in names.items():
            for j, part in enumerate(("Flange gasket", "O-ring for union")):
                yield (
                    f"88-{3012 + 19 * i + 7 * j}-{letter}",
                    f"{part} DN {width}, pack of ten",
                    "manifolds",
                    material,
                    round(0.05 + width * 0.004, 2),
                    round((4.2 + width * 0.11) * {"A": 1, "B": 1.15, "C": 2.4}[letter], 2),
                    0 if letter == "B" else 6,
                    "W",
                )


def pumps() -> Iterator[Row]:
    """Single vertical pumps by size and number of stages."""
    for i, (size, power) in enumerate(((2, 0.37), (4, 0.55), (8, 0.75), (12, 1.5), (16, 2.2), (25, 3.0))):
        for j, stages in enumerate((2, 3, 4, 5, 6, 8, 10, 12, 14)):
            yield (
                f"41-{2013 + 120 * i + 11 * j}-A",
                f"Vertical pump VX {size}-{stages}, {stages * 9.5:.0f} m head, {power * stages / 2:.2f} kW",
                "building services",
                "1.4301" if size < 12 else "1.4404",
                round(11 + size * 0.9 + stages * 0.7, 1),
                round(372 + size * 21 + stages * 38.5, 0),
                3 if stages in (4, 6, 8) else 14,
                "B",
            )


def motors() -> Iterator[Row]:
    """Motors by power and voltage."""
    volts = {"A": "3 x 400 V", "B": "3 x 230 V"}
    for i, power in enumerate(("1.5", "2.2", "3.0", "4.0", "5.5", "7.5", "11", "15")):
        for letter, supply in volts.items():
            yield (
                f"41-{9014 + 13 * i}-{letter}",
                f"Motor IE5 {power} kW, {supply}",
                "vertical pumps, flange FT",
                "aluminium" if float(power) < 7 else "cast iron",
                round(12 + float(power) * 5.4, 0),
                round(338 + float(power) * 92, 0),
                10 if letter == "A" else 25,
                "B",
            )


def valves() -> Iterator[Row]:
    """Ball and non-return valves by nominal width."""
    for i, width in enumerate((25, 32, 40, 50, 65, 80, 100)):
        letter = "A" if width <= 50 else "B"
        for j, (part, price) in enumerate((("Ball valve", 0.9), ("Non-return valve", 1.3), ("Strainer 0.5 mm", 1.1))):
            yield (
                f"67-{2203 + 31 * i + 9 * j}-{letter}",
                f"{part} DN {width}, {'threaded' if letter == 'A' else 'flanged'}",
                "pipework",
                "CuZn dezincification resistant" if letter == "A" else "1.4408",
                round(0.2 + width * width * 0.0011, 2),
                round(price * (8 + width * 0.8 + (width * 0.9 if letter == "B" else 0)), 1),
                0 if width <= 50 else 7,
                "B",
            )


def sheets() -> dict[str, list[Row]]:
    """Sheet name → its rows in the order of their SKU."""
    return {
        "Sets and motors": sorted([*SETS, *pumps(), *motors()]),
        "Controls": sorted([*CONTROLS, *converters()]),
        "Accessories": sorted([*ACCESSORIES, *vessels(), *valves()]),
        "Spare parts": sorted([*SPARES, *impellers(), *seals_and_gaskets()]),
    }
